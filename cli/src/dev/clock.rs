//! The wall clock of the local stack.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Now. The emulated services stamp events and deadlines as AWS would; nothing here decides whether a token is valid.
#[expect(
    clippy::disallowed_methods,
    reason = "the emulated AWS services are the source of these times, no handler sees them as an argument"
)]
pub(crate) fn now() -> SystemTime {
    SystemTime::now()
}

/// A time as milliseconds since the Unix epoch.
pub(crate) fn epoch_millis(time: SystemTime) -> u64 {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX)
}
