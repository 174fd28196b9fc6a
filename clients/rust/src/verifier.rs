//! Verifying access tokens where they arrive.

use std::sync::Arc;

use reqwest::ClientBuilder;

use crate::{
    claims::Claims,
    clock::{Clock, SystemClock, seconds},
    issuer::{BuildError, Issuer, secure_url},
    jwks::KeyCache,
    token::{Expected, InvalidToken, header},
    transport::{Transport, Unavailable},
};

/// A token was not accepted.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VerifyError {
    /// It is not good, and will not become so.
    #[error(transparent)]
    Invalid(#[from] InvalidToken),
    /// Nobody can say: there are no keys to be had, or none that are young enough.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Verifies access tokens with the issuer's published keys, which it fetches when it needs them and keeps for a while. Clones share them.
///
/// A token that is verified here is genuine and has not expired. Whether its session is still alive, nobody has asked: after a
/// logout it is accepted until it expires. Where that is too long, ask an [`Introspector`](crate::Introspector) as well.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    issuer: Issuer,
    expected: Expected,
    keys: Arc<KeyCache>,
    clock: Arc<dyn Clock>,
}

/// Settings of a [`Verifier`].
#[must_use]
pub struct VerifierBuilder {
    issuer: String,
    audiences: Vec<String>,
    keys_url: Option<String>,
    client: Option<ClientBuilder>,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// Verifies tokens of `issuer` (`https://auth.example.com/api/v1/auth`) whose audience is the issuer itself, as it is by default.
    ///
    /// # Errors
    ///
    /// If `issuer` is not a URL that can be trusted.
    pub fn new(issuer: impl Into<String>) -> Result<Self, BuildError> {
        Self::builder(issuer).build()
    }

    /// The same with other settings.
    pub fn builder(issuer: impl Into<String>) -> VerifierBuilder {
        VerifierBuilder {
            issuer: issuer.into(),
            audiences: Vec::new(),
            keys_url: None,
            client: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// What `token` says, if it is the issuer's, for us, and good now.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Invalid`] calls for 401, [`VerifyError::Unavailable`] for 503: it is no statement about the token.
    pub async fn verify(&self, token: &str) -> Result<Claims, VerifyError> {
        let header = header(token)?;
        let key = self.0.keys.find(&header.kid).await?.ok_or(InvalidToken)?;
        Ok(self.0.expected.verify(token, &header, &key, seconds(self.0.clock.now()))?)
    }

    pub(crate) fn issuer(&self) -> &Issuer {
        &self.0.issuer
    }
}

impl VerifierBuilder {
    /// Accepts tokens for this audience: the application's setting `aud`. May be called several times; then each of them
    /// will do, and the issuer's own name no longer does unless it is among them.
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Fetches keys from here instead of `{issuer}/.well-known/jwks.json`.
    pub fn keys_url(mut self, url: impl Into<String>) -> Self {
        self.keys_url = Some(url.into());
        self
    }

    /// Fetches keys with such a client, for a proxy or certificates of your own. It will follow no redirects.
    pub fn http_client(mut self, client: ClientBuilder) -> Self {
        self.client = Some(client);
        self
    }

    /// Goes by this clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The verifier. Nothing is fetched yet.
    ///
    /// # Errors
    ///
    /// If an address is not one that can be trusted.
    pub fn build(self) -> Result<Verifier, BuildError> {
        let issuer = Issuer::new(self.issuer)?;
        let keys_url = match self.keys_url {
            Some(url) => secure_url(&url)?,
            None => issuer.endpoint(".well-known/jwks.json")?,
        };
        let audiences = if self.audiences.is_empty() { vec![issuer.name.clone()] } else { self.audiences };
        let expected = Expected { issuer: issuer.name.clone(), audiences };
        let keys = Arc::new(KeyCache::new(Transport::new(self.client)?, keys_url, Arc::clone(&self.clock)));
        Ok(Verifier(Arc::new(Inner { issuer, expected, keys, clock: self.clock })))
    }
}
