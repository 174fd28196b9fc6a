//! What others keep, in a function's memory: metadata, keys, client secrets.
//!
//! Unlike the keyring's copies of our own keys, such a copy may be read before its time, at once but seldom: when an ID token verifies
//! with none of a provider's keys, they may just have changed.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{log, world::Timestamp};

/// How long a copy serves unasked after it could not be read again.
const PAUSE: Duration = Duration::from_secs(10);

/// How long a copy is good.
pub(super) struct Terms {
    /// Until it is read again.
    pub(super) fresh_for: Duration,
    /// While it can't be read again.
    pub(super) good_for: Duration,
}

/// A failure to read, which may pass or not.
pub(super) trait Passing: std::error::Error {
    /// Whether an old copy is better than none.
    fn may_pass(&self) -> bool;
}

/// A copy, once there is one.
#[derive(Debug)]
pub(super) struct Remembered<T>(Mutex<Option<Held<T>>>);

#[derive(Debug)]
struct Held<T> {
    value: Arc<T>,
    read_at: Timestamp,
    /// When it could not be read again.
    failed_at: Option<Timestamp>,
    /// When it was last read before its time.
    renewed_at: Option<Timestamp>,
}

impl<T> Held<T> {
    fn serves(&self, terms: &Terms, now: Timestamp) -> bool {
        let within = |since: Timestamp, time| since <= now && now.since(since) < time;
        let spared = self.failed_at.is_some_and(|failed_at| within(failed_at, PAUSE));
        within(self.read_at, terms.fresh_for) || spared && within(self.read_at, terms.good_for)
    }
}

impl<T> Remembered<T> {
    pub(super) const fn nothing() -> Self {
        Self(Mutex::new(None))
    }

    /// The copy, read again if it is not fresh. One that can't be read again serves while it is good.
    pub(super) async fn get<E: Passing>(
        &self,
        terms: &Terms,
        now: Timestamp,
        read: impl Future<Output = Result<T, E>>,
    ) -> Result<Arc<T>, E> {
        if let Some(held) = self.lock().as_ref().filter(|held| held.serves(terms, now)) {
            return Ok(Arc::clone(&held.value));
        }
        let error = match read.await {
            Ok(value) => return Ok(self.keep(value, now)),
            Err(error) => error,
        };
        match self.lock().as_mut() {
            Some(held) if error.may_pass() && now.since(held.read_at) < terms.good_for => {
                log::old_copy_of_others_used(&error);
                held.failed_at = Some(now);
                Ok(Arc::clone(&held.value))
            }
            _ => Err(error),
        }
    }

    /// Reads it before its time; `None` if that was done, or tried, less than `pause` ago.
    pub(super) async fn renew<E>(
        &self,
        pause: Duration,
        now: Timestamp,
        read: impl Future<Output = Result<T, E>>,
    ) -> Option<Result<Arc<T>, E>> {
        if let Some(held) = self.lock().as_mut() {
            if held.renewed_at.is_some_and(|renewed_at| now.since(renewed_at) < pause) {
                return None;
            }
            held.renewed_at = Some(now);
        }
        Some(read.await.map(|value| self.keep(value, now)))
    }

    fn keep(&self, value: T, now: Timestamp) -> Arc<T> {
        let mut held = self.lock();
        let renewed_at = held.as_ref().and_then(|held| held.renewed_at);
        let value = Arc::new(value);
        *held = Some(Held { value: Arc::clone(&value), read_at: now, failed_at: None, renewed_at });
        value
    }

    fn lock(&self) -> MutexGuard<'_, Option<Held<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);
    const TERMS: Terms = Terms { fresh_for: MINUTE, good_for: Duration::from_mins(3) };

    #[derive(Debug, PartialEq, Eq, thiserror::Error)]
    #[error("away")]
    struct Away(bool);

    impl Passing for Away {
        fn may_pass(&self) -> bool {
            self.0
        }
    }

    const AWAY: Result<u8, Away> = Err(Away(true));
    const REFUSED: Result<u8, Away> = Err(Away(false));

    #[tokio::test]
    async fn a_copy_is_read_again_in_its_time_and_outlives_a_failure_that_may_pass() {
        let copy = Remembered::nothing();
        let get = async |at: u64, answer| {
            copy.get(&TERMS, Timestamp::from_seconds(1000 + at), ready(answer)).await.map(|value| *value)
        };
        assert_eq!(get(0, AWAY).await, AWAY);
        assert_eq!(get(0, Ok(1)).await, Ok(1));
        assert_eq!(get(59, Ok(2)).await, Ok(1));
        assert_eq!(get(60, REFUSED).await, REFUSED);
        assert_eq!(get(60, AWAY).await, Ok(1));
        assert_eq!(get(69, Ok(2)).await, Ok(1), "not asked again at once");
        assert_eq!(get(179, AWAY).await, Ok(1));
        assert_eq!(get(180, AWAY).await, AWAY);
        assert_eq!(get(180, Ok(3)).await, Ok(3));
    }

    #[tokio::test]
    async fn a_copy_is_renewed_once_in_a_while() {
        let copy = Remembered::nothing();
        let at = Timestamp::from_seconds;
        copy.get(&TERMS, at(0), ready(Ok::<_, Away>(1))).await.unwrap();
        let renew = async |now, answer| Some(copy.renew(MINUTE, at(now), ready(answer)).await?.map(|value| *value));
        assert_eq!(renew(1, Ok(2)).await, Some(Ok(2)));
        assert_eq!(renew(60, Ok(3)).await, None);
        assert_eq!(renew(61, AWAY).await, Some(AWAY));
        assert_eq!(renew(62, Ok(4)).await, None, "a failure counts");
        copy.get(&TERMS, at(70), ready(Ok::<_, Away>(5))).await.unwrap();
        assert_eq!(renew(80, Ok(6)).await, None, "and so it does after it was read in its time");
    }
}
