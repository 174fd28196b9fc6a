//! Where a session's tokens are kept.

use std::{
    future::Future,
    sync::{Mutex, PoisonError},
    time::SystemTime,
};

use crate::{clock::seconds, secret::Secret};

/// What a store failed of.
pub type StoreError = Box<dyn std::error::Error + Send + Sync>;

/// A session's tokens. Times are whole seconds since 1970.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    /// The newest refresh token: what matters. Each refresh replaces it.
    pub refresh_token: Secret,
    /// The access token that came with it. It need not be stored; without it the next request refreshes.
    pub access_token: Option<Secret>,
    /// When to refresh: ahead of the expiry, and each time a little different, so that many clients do not do it at once.
    pub refresh_at: u64,
    /// When the access token expires.
    pub expires_at: u64,
}

impl Tokens {
    /// A refresh token, and nothing else yet.
    #[must_use]
    pub fn new(refresh_token: impl Into<Secret>) -> Self {
        Self { refresh_token: refresh_token.into(), access_token: None, refresh_at: 0, expires_at: 0 }
    }

    pub(super) fn granted(refresh_token: Secret, access_token: &Secret, lifetime: u64, now: SystemTime) -> Self {
        let (now, tenth) = (seconds(now), lifetime / 10);
        let expires_at = now.saturating_add(lifetime);
        let ahead = fastrand::u64(tenth..=2 * tenth);
        let access_token = Some(access_token.clone());
        Self { refresh_token, access_token, refresh_at: expires_at.saturating_sub(ahead), expires_at }
    }

    /// The access token, unless it is due or was rejected.
    pub(super) fn usable(&self, rejected: Option<&Secret>, now: SystemTime) -> Option<&Secret> {
        self.access_token.as_ref().filter(|token| Some(*token) != rejected && seconds(now) < self.refresh_at)
    }
}

/// Keeps a session's tokens: in a file, in a table, in a keyring.
///
/// A store is for one [`Session`](super::Session) and its clones, in one process at a time; the next may take over. Of two that refresh, the
/// slower could overwrite newer tokens with used ones, which the server takes for stolen.
pub trait TokenStore: Send + Sync + 'static {
    /// What was saved last.
    fn load(&self) -> impl Future<Output = Result<Option<Tokens>, StoreError>> + Send;

    /// Replaces what is kept. When this returns, the tokens must survive whatever the store is meant to survive: the access token is not
    /// used before, and the refresh token that was replaced may be of no more use.
    fn save(&self, tokens: &Tokens) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Forgets them.
    fn clear(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Keeps tokens as long as the process lives.
#[derive(Default)]
pub struct MemoryStore(Mutex<Option<Tokens>>);

impl MemoryStore {
    fn set(&self, tokens: Option<Tokens>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = tokens;
    }
}

impl TokenStore for MemoryStore {
    async fn load(&self) -> Result<Option<Tokens>, StoreError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    async fn save(&self, tokens: &Tokens) -> Result<(), StoreError> {
        self.set(Some(tokens.clone()));
        Ok(())
    }

    async fn clear(&self) -> Result<(), StoreError> {
        self.set(None);
        Ok(())
    }
}
