//! The published keys, kept for a while.
//!
//! Nothing happens by itself: whoever verifies a token looks whether the keys are due. A request for them, once begun, comes to its end
//! and is remembered, whoever stops waiting. Requests never overlap, and while one is under way over keys that are merely no longer fresh,
//! everybody else goes on with these.

use std::{
    ops::RangeInclusive,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use http::{
    HeaderMap, StatusCode,
    header::{AGE, CACHE_CONTROL},
};
use reqwest::Url;
use tokio::sync::{Mutex, OwnedMutexGuard};

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
    turn: Arc<Mutex<()>>,
}

#[derive(Clone, Default)]
struct Kept {
    set: Option<Fetched>,
    /// When the last fetch whose end is known was begun.
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
        Self { transport, url, clock, kept: RwLock::default(), turn: Arc::default() }
    }

    /// The key of this name, if the issuer has published it.
    ///
    /// # Errors
    ///
    /// If that can't be said.
    pub(crate) async fn find(self: &Arc<Self>, kid: &str) -> Result<Option<Arc<Key>>, Unavailable> {
        if let Some(key) = self.keys().await?.get(kid) {
            return Ok(Some(Arc::clone(key)));
        }
        Ok(self.keys_for_unknown().await?.get(kid).map(Arc::clone))
    }

    async fn keys(self: &Arc<Self>) -> Result<Arc<Keys>, Unavailable> {
        let now = self.clock.now();
        let kept = self.kept();
        if let Some(keys) = kept.fresh(now) {
            return Ok(keys);
        }
        let Some(keys) = kept.usable(now) else {
            return self.fetch_unless_done(self.turn().await).await;
        };
        let Ok(turn) = Arc::clone(&self.turn).try_lock_owned() else { return Ok(keys) };
        Ok(self.fetch_unless_done(turn).await.unwrap_or(keys))
    }

    /// Whoever has waited for the turn finds what the last one has fetched, or why it could not.
    async fn fetch_unless_done(self: &Arc<Self>, turn: OwnedMutexGuard<()>) -> Result<Arc<Keys>, Unavailable> {
        let now = self.clock.now();
        let kept = self.kept();
        match (kept.fresh(now), kept.recent_failure(now)) {
            (Some(keys), _) => Ok(keys),
            (None, Some(failure)) => Err(failure.clone()),
            (None, None) => self.fetch(turn, now).await,
        }
    }

    /// Invented names cost next to nothing, and what is new is found before its time.
    async fn keys_for_unknown(self: &Arc<Self>) -> Result<Arc<Keys>, Unavailable> {
        let turn = self.turn().await;
        let now = self.clock.now();
        let kept = self.kept();
        let recent = kept.tried_at.is_some_and(|at| age(at, now) < UNKNOWN_KEY_EVERY);
        match (kept.failed, kept.set) {
            // The key may be one of those that could not be fetched.
            (Some((_, failure)), _) if recent => Err(failure),
            (None, Some(set)) if recent => Ok(set.keys),
            _ => self.fetch(turn, now).await,
        }
    }

    async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    /// A caller that goes away must not leave behind a fetch of which nobody knows how it ended.
    async fn fetch(self: &Arc<Self>, turn: OwnedMutexGuard<()>, now: SystemTime) -> Result<Arc<Keys>, Unavailable> {
        let cache = Arc::clone(self);
        let fetch = tokio::spawn(async move {
            let _turn = turn;
            cache.fetched(now).await
        });
        fetch.await.unwrap_or_else(|_| Err(Unavailable::not("waited for")))
    }

    async fn fetched(&self, now: SystemTime) -> Result<Arc<Keys>, Unavailable> {
        let asked = self.ask(now).await.map_err(|failure| failure.proposing(RETRY_AFTER));
        self.change(|kept| {
            kept.tried_at = Some(now);
            match &asked {
                Ok(set) => (kept.set, kept.failed) = (Some(set.clone()), None),
                Err(failure) => kept.failed = Some((self.clock.now(), failure.clone())),
            }
        });
        asked.map(|set| set.keys)
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

/// `max-age` (RFC 9111 §5.2.2.1) within the bounds, less the time that a cache has had the answer for (§5.1).
fn fresh_for(headers: &HeaderMap) -> Duration {
    let directives = headers.get(CACHE_CONTROL).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let max_age = directives.split(',').find_map(|directive| directive.trim().strip_prefix("max-age=")?.parse().ok());
    let age = headers.get(AGE).and_then(|value| value.to_str().ok()?.trim().parse().ok()).unwrap_or_default();
    max_age
        .map_or(FRESH_FOR, Duration::from_secs)
        .saturating_sub(Duration::from_secs(age))
        .clamp(*FRESH_BETWEEN.start(), *FRESH_BETWEEN.end())
}

#[cfg(test)]
#[path = "jwks_tests.rs"]
mod tests;
