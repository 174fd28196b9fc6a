//! Copies of what others keep, in a function's memory.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::world::Timestamp;

/// A copy, once there is one.
#[derive(Debug)]
pub(super) struct Copy<T>(Mutex<Option<Held<T>>>);

#[derive(Debug)]
struct Held<T> {
    value: Arc<T>,
    read_at: Timestamp,
    /// When it was last read before its time.
    renewed_at: Option<Timestamp>,
}

impl<T> Copy<T> {
    pub(super) const fn nothing() -> Self {
        Self(Mutex::new(None))
    }

    /// The copy, read again if it is older than `fresh_for`. One that can't be read again serves until it is older than
    /// `good_for`.
    pub(super) async fn get<E>(
        &self,
        fresh_for: Duration,
        good_for: Duration,
        now: Timestamp,
        read: impl Future<Output = Result<T, E>>,
    ) -> Result<Arc<T>, E> {
        if let Some(value) = self.younger_than(fresh_for, now) {
            return Ok(value);
        }
        match read.await {
            Ok(value) => Ok(self.keep(value, now, None)),
            Err(error) => self.younger_than(good_for, now).ok_or(error),
        }
    }

    /// Reads it before its time; `None` if that was done less than `pause` ago.
    pub(super) async fn renew<E>(
        &self,
        pause: Duration,
        now: Timestamp,
        read: impl Future<Output = Result<T, E>>,
    ) -> Option<Result<Arc<T>, E>> {
        if !self.may_renew(pause, now) {
            return None;
        }
        Some(read.await.map(|value| self.keep(value, now, Some(now))))
    }

    /// Whether it may be read before its time. Asking counts: what fails is not tried again at once either.
    fn may_renew(&self, pause: Duration, now: Timestamp) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(held) = held.as_mut() else { return true };
        let may = held.renewed_at.is_none_or(|renewed_at| now.since(renewed_at) >= pause);
        if may {
            held.renewed_at = Some(now);
        }
        may
    }

    fn younger_than(&self, age: Duration, now: Timestamp) -> Option<Arc<T>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().filter(|held| now.since(held.read_at) < age).map(|held| Arc::clone(&held.value))
    }

    fn keep(&self, value: T, now: Timestamp, renewed_at: Option<Timestamp>) -> Arc<T> {
        let value = Arc::new(value);
        let held = Held { value: Arc::clone(&value), read_at: now, renewed_at };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(held);
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn a_copy_is_read_again_in_its_time_and_outlives_a_failure() {
        let copy = Copy::nothing();
        let at = Timestamp::from_seconds;
        let read = |value: Result<u8, ()>| std::future::ready(value);
        assert_eq!(copy.get(MINUTE, 2 * MINUTE, at(0), read(Err(()))).await, Err(()));
        assert_eq!(copy.get(MINUTE, 2 * MINUTE, at(0), read(Ok(1))).await, Ok(Arc::new(1)));
        assert_eq!(copy.get(MINUTE, 2 * MINUTE, at(59), read(Ok(2))).await, Ok(Arc::new(1)));
        assert_eq!(copy.get(MINUTE, 2 * MINUTE, at(60), read(Err(()))).await, Ok(Arc::new(1)));
        assert_eq!(copy.get(MINUTE, 2 * MINUTE, at(120), read(Err(()))).await, Err(()));
        assert_eq!(copy.get(MINUTE, 2 * MINUTE, at(120), read(Ok(3))).await, Ok(Arc::new(3)));
    }

    #[tokio::test]
    async fn a_copy_is_renewed_once_in_a_while() {
        let copy = Copy::nothing();
        let at = Timestamp::from_seconds;
        let read = |value: Result<u8, ()>| std::future::ready(value);
        copy.get(MINUTE, MINUTE, at(0), read(Ok(1))).await.unwrap();
        assert_eq!(copy.renew(MINUTE, at(1), read(Ok(2))).await, Some(Ok(Arc::new(2))));
        assert_eq!(copy.renew(MINUTE, at(60), read(Ok(3))).await, None);
        assert_eq!(copy.renew(MINUTE, at(61), read(Err(()))).await, Some(Err(())));
        assert_eq!(copy.renew(MINUTE, at(62), read(Ok(4))).await, None, "a failure counts");
    }
}
