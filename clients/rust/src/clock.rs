//! Time, as an argument.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Where a verifier, an introspector or a session reads the time, so that a test can stand at any moment it likes.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> SystemTime;
}

/// The system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// How long ago `then` was. A moment in the future is one of a clock that has been put back since: whatever was kept then is
/// older than anything.
pub(crate) fn age(then: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(then).unwrap_or(Duration::MAX)
}

/// Whole seconds since the Unix epoch (`NumericDate`, RFC 7519 §2).
pub(crate) fn seconds(moment: SystemTime) -> u64 {
    moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
