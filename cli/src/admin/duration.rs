//! Durations as people write them: `20m`, `72h`, `30d`, or plain seconds.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The text is no duration.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a duration such as 30s, 20m, 72h, 30d, or a plain number of seconds")]
pub(crate) struct InvalidDuration;

/// Reads a whole number of seconds, minutes, hours or days.
pub(crate) fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = match unit {
        "" | "s" => 1,
        "m" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        _ => return Err(InvalidDuration),
    };
    let number: u64 = number.parse().map_err(|_| InvalidDuration)?;
    number.checked_mul(unit).map(Duration::from_secs).ok_or(InvalidDuration)
}

/// Writes a duration as [`parse`] reads it, in the largest unit that is exact; up to three days in hours, as `72h` is
/// how people say it.
pub(crate) fn show(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let exact = |unit: u64| seconds > 0 && seconds.is_multiple_of(unit);
    if exact(DAY) && seconds > 3 * DAY {
        format!("{}d", seconds / DAY)
    } else if exact(HOUR) {
        format!("{}h", seconds / HOUR)
    } else if exact(MINUTE) {
        format!("{}m", seconds / MINUTE)
    } else {
        format!("{seconds}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_shown_as_people_write_them() {
        for (text, seconds, shown) in [
            ("30s", 30, "30s"),
            ("90", 90, "90s"),
            ("0", 0, "0s"),
            ("20m", 1200, "20m"),
            ("60m", 3600, "1h"),
            ("72h", 259_200, "72h"),
            ("3d", 259_200, "72h"),
            ("30d", 2_592_000, "30d"),
            ("721h", 2_595_600, "721h"),
        ] {
            let duration = parse(text).unwrap();
            assert_eq!(duration, Duration::from_secs(seconds), "{text}");
            assert_eq!(show(duration), shown, "{text}");
            assert_eq!(parse(shown), Ok(duration), "{shown}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in [
            "",
            "m",
            "20 m",
            "-1",
            "+1",
            "1.5h",
            "1h30m",
            "20M",
            "20min",
            "٣h",
            "99999999999999999999",
            "999999999999999999d",
        ] {
            assert_eq!(parse(text), Err(InvalidDuration), "{text}");
        }
    }
}
