//! Asking the server whether a token is good right now (RFC 7662).

use std::{
    convert::Infallible,
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_lc_rs::digest::{SHA256, digest};
use http::{StatusCode, header::CONTENT_TYPE};
use quick_cache::sync::Cache;
use reqwest::{ClientBuilder, Url};
use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::{
    claims::Scopes,
    clock::{Clock, SystemClock, age, seconds},
    issuer::{BuildError, Issuer, Keyed},
    problem::Problem,
    secret::Secret,
    token::MAX_LENGTH,
    transport::Unavailable,
};

const TTL: Duration = Duration::from_secs(10);
const CAPACITY: usize = 10_000;

/// What is known of a token that is good. Times are whole seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Active {
    /// The user.
    #[serde(rename = "sub")]
    pub user_key: String,
    /// The user's name.
    pub username: String,
    /// The session.
    #[serde(rename = "sid")]
    pub session_id: String,
    /// The application.
    #[serde(rename = "client_id")]
    pub application_id: String,
    /// What the user may do.
    #[serde(rename = "scope", default)]
    pub scopes: Scopes,
    /// When the token expires.
    #[serde(rename = "exp")]
    pub expires_at: u64,
}

/// It could not be found out whether a token is good.
#[derive(Debug, Clone, thiserror::Error)]
pub enum IntrospectError {
    /// Nobody can say at present.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The server does not answer this application: the key is no secret key, or was revoked.
    #[error(transparent)]
    Refused(#[from] Problem),
}

type Verdict = Result<Option<Arc<Active>>, IntrospectError>;

/// Asks whether tokens are good, and remembers the answers for a moment. Clones share them.
///
/// The server answers an application about its own tokens only; others' are not active.
#[derive(Clone)]
pub struct Introspector(Arc<Inner>);

struct Inner {
    url: Url,
    server: Keyed,
    ttl: Duration,
    cache: Cache<[u8; 32], Arc<Asked>>,
    clock: Arc<dyn Clock>,
}

/// One question, which many may wait for.
struct Asked {
    /// An answer is good for as long as if it had come at once: it may have been true only then.
    at: SystemTime,
    verdict: OnceCell<Verdict>,
}

impl Asked {
    fn is_good(&self, ttl: Duration, now: SystemTime) -> bool {
        let expired = |verdict: &Verdict| match verdict {
            Ok(Some(active)) => active.expires_at <= seconds(now),
            Ok(None) => false,
            Err(_) => true,
        };
        age(self.at, now) < ttl && !self.verdict.get().is_some_and(expired)
    }
}

/// Settings of an [`Introspector`].
#[must_use]
pub struct IntrospectorBuilder {
    issuer: String,
    secret_key: Secret,
    ttl: Duration,
    capacity: usize,
    client: Option<ClientBuilder>,
    clock: Arc<dyn Clock>,
}

impl Introspector {
    /// Asks `issuer` as the application with this secret key (`sk_…`), and remembers up to 10 000 answers for 10 s each.
    ///
    /// # Errors
    ///
    /// If `issuer` is not a URL that can be trusted.
    pub fn new(issuer: impl Into<String>, secret_key: impl Into<Secret>) -> Result<Self, BuildError> {
        Self::builder(issuer, secret_key).build()
    }

    /// The same with other settings.
    pub fn builder(issuer: impl Into<String>, secret_key: impl Into<Secret>) -> IntrospectorBuilder {
        IntrospectorBuilder {
            issuer: issuer.into(),
            secret_key: secret_key.into(),
            ttl: TTL,
            capacity: CAPACITY,
            client: None,
            clock: Arc::new(SystemClock),
        }
    }

    /// What is known of `token`, if it is good; nothing if it is not. The answer is never older than the time to live.
    ///
    /// # Errors
    ///
    /// If it could not be found out. Such an answer is not remembered.
    pub async fn introspect(&self, token: &str) -> Result<Option<Arc<Active>>, IntrospectError> {
        if token.len() > MAX_LENGTH {
            return Ok(None);
        }
        let asked = self.0.asked(token);
        asked.verdict.get_or_init(|| self.0.ask(token)).await.clone()
    }
}

impl Inner {
    /// The question about `token` whose answer still counts.
    fn asked(&self, token: &str) -> Arc<Asked> {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        let now = self.clock.now();
        if let Some(asked) = self.cache.get(&hash) {
            if asked.is_good(self.ttl, now) {
                return asked;
            }
            self.cache.remove_if(&hash, |kept| Arc::ptr_eq(kept, &asked));
        }
        let ask = || Ok::<_, Infallible>(Arc::new(Asked { at: now, verdict: OnceCell::new() }));
        // Another task may have been faster, and has just asked.
        let Ok(asked) = self.cache.get_or_insert_with(&hash, ask);
        asked
    }

    async fn ask(&self, token: &str) -> Verdict {
        #[derive(Deserialize)]
        struct Activity {
            active: bool,
        }

        let form = form_urlencoded::Serializer::new(String::new()).append_pair("token", token).finish();
        let Keyed { transport, api_key } = &self.server;
        let request = transport.client().post(self.url.clone()).header("api-key", api_key);
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        let answer = transport.ask(request).await?;
        if answer.status != StatusCode::OK {
            return Err(Problem::of(&answer).into());
        }
        let unreadable = |_| Unavailable::not("that of an introspection");
        let Activity { active } = serde_json::from_slice(&answer.body).map_err(unreadable)?;
        if !active {
            return Ok(None);
        }
        let active: Active = serde_json::from_slice(&answer.body).map_err(unreadable)?;
        Ok(Some(active.into()))
    }
}

impl IntrospectorBuilder {
    /// Remembers answers for this long: the time after which a revocation is sure to be noticed.
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Remembers about this many answers.
    pub const fn capacity(mut self, answers: usize) -> Self {
        self.capacity = answers;
        self
    }

    /// Asks with such a client, for a proxy or certificates of your own. It will follow no redirects, which would carry the key along.
    pub fn http_client(mut self, client: ClientBuilder) -> Self {
        self.client = Some(client);
        self
    }

    /// Goes by this clock.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The introspector.
    ///
    /// # Errors
    ///
    /// If the address is not one that can be trusted, or the key is none.
    pub fn build(self) -> Result<Introspector, BuildError> {
        let inner = Inner {
            url: Issuer::new(self.issuer)?.endpoint("introspect")?,
            server: Keyed::new(self.client, &self.secret_key)?,
            ttl: self.ttl,
            cache: Cache::new(self.capacity),
            clock: self.clock,
        };
        Ok(Introspector(Arc::new(inner)))
    }
}

#[cfg(test)]
#[path = "introspect_tests.rs"]
mod tests;
