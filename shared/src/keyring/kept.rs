//! A copy of something in the store, and when it is good enough.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::RELOAD_FOR_UNKNOWN_AFTER;
use crate::{
    log,
    store::{KeysError, StoreError},
    world::Timestamp,
};

/// A copy of something in the store.
pub(super) struct Kept<T>(Mutex<Option<Copy<T>>>);

struct Copy<T> {
    /// When the table was last asked, whether or not it answered.
    checked_at: Timestamp,
    loaded_at: Timestamp,
    value: Arc<T>,
}

impl<T> Copy<T> {
    /// A clock that went back makes a copy from the future, which is not young.
    fn is_young(&self, max_age: Duration, now: Timestamp) -> bool {
        self.checked_at <= now && now.since(self.checked_at) < max_age
    }
}

impl<T> Kept<T> {
    pub(super) const fn nothing() -> Self {
        Self(Mutex::new(None))
    }

    /// The copy if it was checked within `max_age`, otherwise what `load` brings. While the table can't be read an old copy
    /// is better than none, for as long as `good_for` after it was loaded, and is not questioned again before its time.
    pub(super) async fn get(
        &self,
        max_age: Duration,
        good_for: Duration,
        now: Timestamp,
        load: impl Future<Output = Result<T, KeysError>>,
    ) -> Result<Arc<T>, KeysError> {
        let good = |copy: &&Copy<T>| now.since(copy.loaded_at) < good_for;
        if let Some(copy) = self.lock().as_ref().filter(|copy| copy.is_young(max_age, now)).filter(good) {
            return Ok(Arc::clone(&copy.value));
        }
        match (self.ask(now, load).await, self.lock().as_ref().filter(good)) {
            (Err(error @ KeysError::Store(_)), Some(old)) => {
                log::old_copy_used(&error);
                Ok(Arc::clone(&old.value))
            }
            (asked, _) => asked,
        }
    }

    /// A copy that was loaded within [`RELOAD_FOR_UNKNOWN_AFTER`]: for a decision that an older one must not make, because
    /// what it lacks may be there. An error if the table can't say, or could not within that time.
    pub(super) async fn get_recent(
        &self,
        now: Timestamp,
        load: impl Future<Output = Result<T, KeysError>>,
    ) -> Result<Arc<T>, KeysError> {
        if let Some(copy) = self.lock().as_ref().filter(|copy| copy.is_young(RELOAD_FOR_UNKNOWN_AFTER, now)) {
            return if copy.loaded_at == copy.checked_at {
                Ok(Arc::clone(&copy.value))
            } else {
                Err(StoreError::Unavailable("the keys could not be read less than a minute ago".into()).into())
            };
        }
        self.ask(now, load).await
    }

    /// Asks the table. If it can't say, the old copy stays, and it is noted when that was.
    async fn ask(&self, now: Timestamp, load: impl Future<Output = Result<T, KeysError>>) -> Result<Arc<T>, KeysError> {
        let loaded = load.await;
        let mut kept = self.lock();
        match loaded {
            Ok(value) => {
                let copy = Copy { checked_at: now, loaded_at: now, value: Arc::new(value) };
                Ok(Arc::clone(&kept.insert(copy).value))
            }
            Err(error) => {
                if let (KeysError::Store(_), Some(old)) = (&error, kept.as_mut()) {
                    old.checked_at = now;
                }
                Err(error)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Copy<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
