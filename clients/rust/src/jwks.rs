//! The published keys, kept for a while.
//!
//! No task runs in the background: whoever verifies a token looks whether the keys are due. Requests for keys never overlap, and while
//! one is under way over keys that are merely no longer fresh, everybody else goes on with these.

use std::{
    ops::RangeInclusive,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use http::{HeaderMap, StatusCode, header::CACHE_CONTROL};
use reqwest::Url;
use tokio::sync::Mutex;

use crate::{
    clock::{Clock, age},
    token::{Key, Keys, keys_in},
    transport::{Transport, Unavailable},
};

/// How long keys are fresh if the server does not say.
pub const FRESH_FOR: Duration = Duration::from_mins(5);

/// What the server may say of it: `max-age` is taken to lie in these bounds.
pub const FRESH_BETWEEN: RangeInclusive<Duration> = Duration::from_secs(30)..=Duration::from_mins(15);

/// How often a token that names an unknown key may cause a look at the keys, at most.
pub const UNKNOWN_KEY_EVERY: Duration = Duration::from_secs(30);

/// How long keys that are not fresh any more are used while they can't be fetched. After that nothing is verified.
pub const STALE_FOR: Duration = Duration::from_hours(1);

/// How long to wait after a fetch that failed.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// The keys of one issuer.
pub(crate) struct KeyCache {
    transport: Transport,
    url: Url,
    clock: Arc<dyn Clock>,
    kept: RwLock<Kept>,
    /// Held by whoever fetches.
    turn: Mutex<()>,
}

#[derive(Clone, Default)]
struct Kept {
    set: Option<Fetched>,
    /// When a fetch was begun last. One that was given up half way counts.
    tried_at: Option<SystemTime>,
    /// When the last fetch failed, and of what.
    failed: Option<(SystemTime, Unavailable)>,
}

#[derive(Clone)]
struct Fetched {
    keys: Arc<Keys>,
    at: SystemTime,
    fresh_for: Duration,
}

impl Fetched {
    fn is_fresh(&self, now: SystemTime) -> bool {
        age(self.at, now) < self.fresh_for
    }

    fn is_usable(&self, now: SystemTime) -> bool {
        age(self.at, now) < self.fresh_for + STALE_FOR
    }
}

impl Kept {
    /// The failure that is too recent to try again.
    fn recent_failure(&self, now: SystemTime) -> Option<&Unavailable> {
        self.failed.as_ref().filter(|(at, _)| age(*at, now) < RETRY_AFTER).map(|(_, failure)| failure)
    }

    fn usable(&self, now: SystemTime) -> Option<Arc<Keys>> {
        self.set.as_ref().filter(|set| set.is_usable(now)).map(|set| Arc::clone(&set.keys))
    }

    fn fresh(&self, now: SystemTime) -> Option<Arc<Keys>> {
        self.set.as_ref().filter(|set| set.is_fresh(now)).map(|set| Arc::clone(&set.keys))
    }
}

impl KeyCache {
    pub(crate) fn new(transport: Transport, url: Url, clock: Arc<dyn Clock>) -> Self {
        Self { transport, url, clock, kept: RwLock::default(), turn: Mutex::default() }
    }

    /// The key of this name, if the issuer has published it.
    ///
    /// # Errors
    ///
    /// If that can't be said.
    pub(crate) async fn find(&self, kid: &str) -> Result<Option<Arc<Key>>, Unavailable> {
        if let Some(key) = self.keys().await?.get(kid) {
            return Ok(Some(Arc::clone(key)));
        }
        Ok(self.keys_for_unknown().await?.get(kid).map(Arc::clone))
    }

    async fn keys(&self) -> Result<Arc<Keys>, Unavailable> {
        let now = self.clock.now();
        let kept = self.kept();
        if let Some(keys) = kept.fresh(now) {
            return Ok(keys);
        }
        let Some(keys) = kept.usable(now) else {
            let _turn = self.turn.lock().await;
            return self.fetch_unless_done().await;
        };
        let Ok(_turn) = self.turn.try_lock() else { return Ok(keys) };
        Ok(self.fetch_unless_done().await.unwrap_or(keys))
    }

    /// Whoever has waited for the turn finds what the last one has fetched, or why it could not.
    async fn fetch_unless_done(&self) -> Result<Arc<Keys>, Unavailable> {
        let now = self.clock.now();
        let kept = self.kept();
        match (kept.fresh(now), kept.recent_failure(now)) {
            (Some(keys), _) => Ok(keys),
            (None, Some(failure)) => Err(failure.clone()),
            (None, None) => self.fetch(now).await,
        }
    }

    /// Invented names cost next to nothing, and what is new is found before its time.
    async fn keys_for_unknown(&self) -> Result<Arc<Keys>, Unavailable> {
        let _turn = self.turn.lock().await;
        let now = self.clock.now();
        let kept = self.kept();
        let recent = kept.tried_at.is_some_and(|at| age(at, now) < UNKNOWN_KEY_EVERY);
        match (kept.failed, kept.set) {
            // The key may be one of those that could not be fetched.
            (Some((_, failure)), _) if recent => Err(failure),
            (None, Some(set)) if recent => Ok(set.keys),
            _ => self.fetch(now).await,
        }
    }

    async fn fetch(&self, now: SystemTime) -> Result<Arc<Keys>, Unavailable> {
        self.change(|kept| kept.tried_at = Some(now));
        match self.ask(now).await {
            Ok(set) => {
                let keys = Arc::clone(&set.keys);
                self.change(|kept| (kept.set, kept.failed) = (Some(set), None));
                Ok(keys)
            }
            Err(failure) => {
                let failure = failure.proposing(RETRY_AFTER);
                self.change(|kept| kept.failed = Some((self.clock.now(), failure.clone())));
                Err(failure)
            }
        }
    }

    async fn ask(&self, now: SystemTime) -> Result<Fetched, Unavailable> {
        let answer = self.transport.ask(self.transport.client().get(self.url.clone())).await?;
        let keys = if answer.status == StatusCode::OK { keys_in(&answer.body) } else { None };
        // A set without a key is a mistake of somebody's: it does not replace keys that work.
        let keys = keys.filter(|keys| !keys.is_empty()).ok_or_else(|| Unavailable::not("a set of keys"))?;
        Ok(Fetched { keys: Arc::new(keys), at: now, fresh_for: fresh_for(&answer.headers) })
    }

    fn kept(&self) -> Kept {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut Kept)) {
        change(&mut self.kept.write().unwrap_or_else(PoisonError::into_inner));
    }
}

/// `max-age` (RFC 9111 §5.2.2.1) within the bounds.
fn fresh_for(headers: &HeaderMap) -> Duration {
    let directives = headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let max_age = directives.split(',').find_map(|directive| directive.trim().strip_prefix("max-age=")?.parse().ok());
    max_age.map_or(FRESH_FOR, Duration::from_secs).clamp(*FRESH_BETWEEN.start(), *FRESH_BETWEEN.end())
}

#[cfg(test)]
#[path = "jwks_tests.rs"]
mod tests;
