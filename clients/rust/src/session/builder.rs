//! Settings of a session.

use std::{
    sync::{Arc, RwLock, atomic::AtomicU64},
    time::Duration,
};

use reqwest::ClientBuilder;

use super::{Endpoints, Inner, MemoryStore, Session, TokenStore, patience::Patience};
use crate::{
    clock::{Clock, SystemClock},
    issuer::{BuildError, Issuer, Keyed},
    secret::Secret,
};

/// Settings of a [`Session`].
#[must_use]
pub struct SessionBuilder<S = MemoryStore> {
    issuer: String,
    api_key: Secret,
    store: S,
    client: Option<ClientBuilder>,
    clock: Arc<dyn Clock>,
    patience: Patience,
}

impl SessionBuilder {
    pub(super) fn new(issuer: String, api_key: Secret) -> Self {
        Self {
            issuer,
            api_key,
            store: MemoryStore::default(),
            client: None,
            clock: Arc::new(SystemClock),
            patience: Patience::default(),
        }
    }
}

impl<S: TokenStore> SessionBuilder<S> {
    /// Keeps the tokens there, to survive a restart.
    pub fn store<T: TokenStore>(self, store: T) -> SessionBuilder<T> {
        let Self { issuer, api_key, store: _, client, clock, patience } = self;
        SessionBuilder { issuer, api_key, store, client, clock, patience }
    }

    /// Sends requests with such a client, for a proxy or certificates of your own. It will follow no redirects, whatever it says of them:
    /// they would carry the key along.
    pub fn http_client(mut self, client: ClientBuilder) -> Self {
        self.client = Some(client);
        self
    }

    /// Goes by this clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How often a refresh is tried while the server can't say (four times by default), and how long to wait after the first (200 ms,
    /// doubled each time, less a random part).
    pub const fn patience(mut self, tries: u32, first_wait: Duration) -> Self {
        self.patience = Patience { tries, first_wait };
        self
    }

    /// The session. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// If the issuer is not a URL that can be trusted, or the key is none.
    pub fn build(self) -> Result<Session<S>, BuildError> {
        let issuer = Issuer::new(self.issuer)?;
        let endpoints = Endpoints {
            authenticate: issuer.endpoint("authenticate")?,
            refresh: issuer.endpoint("refresh")?,
            logout: issuer.endpoint("logout")?,
        };
        let inner = Inner {
            issuer,
            endpoints,
            server: Keyed::new(self.client, &self.api_key)?,
            store: self.store,
            clock: self.clock,
            patience: self.patience,
            current: RwLock::default(),
            gate: Arc::default(),
            granted: RwLock::default(),
            rounds: AtomicU64::default(),
        };
        Ok(Session(Arc::new(inner)))
    }
}
