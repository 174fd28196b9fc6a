//! How long to go on trying.

use std::time::Duration;

use crate::transport::Unavailable;

/// Longer than this nobody waits for a server that says when to come back: the caller is told instead.
const LONGEST: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) tries: u32,
    pub(super) first_wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { tries: 4, first_wait: Duration::from_millis(200) }
    }
}

impl Patience {
    /// How long to wait after the `made`th try; nothing if it was the last. What the server proposes is a minimum, and chance
    /// keeps clients that failed together apart.
    pub(super) fn wait(self, made: u32, failure: &Unavailable) -> Option<Duration> {
        let proposed = failure.proposed_wait().unwrap_or_default();
        if made >= self.tries || proposed > LONGEST {
            return None;
        }
        let step = self.first_wait.saturating_mul(1 << made.saturating_sub(1).min(10)).min(LONGEST);
        Some(proposed.max(step / 2) + (step / 2).mul_f64(fastrand::f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_are_what_the_server_proposes_at_least() {
        let patience = Patience { tries: 4, first_wait: Duration::from_millis(200) };
        let silent = Unavailable::not("x");
        for (made, longest) in [(1, 200), (2, 400), (3, 800)] {
            let wait = patience.wait(made, &silent).unwrap().as_millis();
            assert!((longest / 2..=longest).contains(&wait), "{wait} after {made}");
        }
        assert_eq!(patience.wait(4, &silent), None);

        let proposing = |seconds| silent.clone().proposing(Duration::from_secs(seconds));
        let wait = patience.wait(1, &proposing(3)).unwrap();
        assert!((3000..=3100).contains(&wait.as_millis()), "{wait:?}");
        assert_eq!(patience.wait(1, &proposing(11)), None);
    }
}
