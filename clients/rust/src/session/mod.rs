//! A session of one's own: signing in, and a current access token for as long as the session lasts.

mod builder;
mod middleware;
mod patience;
mod renew;
mod store;

use std::{
    future::Future,
    sync::{Arc, PoisonError, RwLock, atomic::AtomicU64},
    time::{Duration, SystemTime},
};

use http::{Method, StatusCode, header::CONTENT_TYPE};
use reqwest::Url;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Mutex, OwnedMutexGuard};

pub use self::{
    builder::SessionBuilder,
    middleware::RefreshMiddleware,
    store::{MemoryStore, StoreError, TokenStore, Tokens},
};
use self::{patience::Patience, renew::Gate};
use crate::{
    clock::{Clock, age},
    issuer::{BuildError, Issuer, Keyed},
    problem::Problem,
    secret::Secret,
    transport::Unavailable,
};

/// There is no access token to be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SessionError {
    /// Nobody has signed in: the store is empty.
    #[error("nobody is signed in")]
    NotSignedIn,
    /// The server said definitely that the session is over. Sign in; until then no more requests are made for it.
    #[error("the session is over")]
    Ended,
    /// The server refused for another reason, such as a key that was revoked. The session is kept.
    #[error(transparent)]
    Refused(#[from] Problem),
    /// The server could not say, even after some tries. The session is kept.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The store failed. Nothing that it does not hold is used; new tokens are kept in memory until it holds them.
    #[error("the tokens can't be stored or read")]
    Store(#[source] Arc<dyn std::error::Error + Send + Sync>),
    /// The request goes to an origin that is not to learn the access token.
    #[error("{0} is not one of the origins that the access token is for")]
    OriginNotAllowed(String),
}

impl SessionError {
    fn store(error: StoreError) -> Self {
        Self::Store(error.into())
    }
}

/// A session with the authentication server. Clones are the same session.
pub struct Session<S = MemoryStore>(Arc<Inner<S>>);

impl<S> Clone for Session<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Inner<S> {
    issuer: Issuer,
    endpoints: Endpoints,
    server: Keyed,
    store: S,
    clock: Arc<dyn Clock>,
    patience: Patience,
    /// The newest tokens that the store is known to hold.
    current: RwLock<Option<Tokens>>,
    /// Held by whoever changes them.
    gate: Arc<Mutex<Gate>>,
    /// The access token that was granted last, and when.
    granted: RwLock<Option<(Secret, SystemTime)>>,
    /// How many refreshes have come to an end.
    rounds: AtomicU64,
}

struct Endpoints {
    authenticate: Url,
    refresh: Url,
    logout: Url,
}

/// A token response.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: u64,
    /// Absent if the application keeps its refresh token.
    refresh_token: Option<String>,
}

impl Session {
    /// A session at `issuer` of the application with this key, in memory.
    ///
    /// # Errors
    ///
    /// If `issuer` is not a URL that can be trusted, or the key is none.
    pub fn new(issuer: impl Into<String>, api_key: impl Into<Secret>) -> Result<Self, BuildError> {
        Self::builder(issuer, api_key).build()
    }

    /// The same with other settings.
    pub fn builder(issuer: impl Into<String>, api_key: impl Into<Secret>) -> SessionBuilder {
        SessionBuilder::new(issuer.into(), api_key.into())
    }
}

impl<S: TokenStore> Session<S> {
    /// Signs in, which begins a new session and forgets the one before. It is sent once: sent twice, it would begin two.
    ///
    /// # Errors
    ///
    /// [`SessionError::Refused`] with [`Code::InvalidCredentials`](crate::Code::InvalidCredentials) if user or password is incorrect.
    pub async fn sign_in(&self, user_id: &str, user_secret: &Secret) -> Result<(), SessionError> {
        let mut gate = self.0.turn().await;
        let body = json!({"user_id": user_id, "user_secret": user_secret.expose()});
        let granted = self.0.granted(&self.0.endpoints.authenticate, &body).await?;
        let refresh_token = granted.refresh_token.clone();
        let refresh_token = refresh_token.ok_or_else(|| Unavailable::not("a token response with a refresh token"))?;
        let tokens = self.0.tokens(&granted, refresh_token.into());
        let inner = Arc::clone(&self.0);
        to_the_end(async move {
            inner.save(tokens).await?;
            *gate = Gate::default();
            Ok(())
        })
        .await
    }

    /// Goes on with the session of a refresh token from elsewhere.
    ///
    /// # Errors
    ///
    /// If it can't be stored.
    pub async fn resume(&self, refresh_token: impl Into<Secret>) -> Result<(), SessionError> {
        let mut gate = self.0.turn().await;
        let (inner, tokens) = (Arc::clone(&self.0), Tokens::new(refresh_token));
        to_the_end(async move {
            inner.save(tokens).await?;
            *gate = Gate::default();
            Ok(())
        })
        .await
    }

    /// Ends the session at the server, and forgets it.
    ///
    /// # Errors
    ///
    /// If the server could not be told; then the tokens are kept, so that it can be tried again.
    pub async fn sign_out(&self) -> Result<(), SessionError> {
        let mut gate = self.0.turn().await;
        let newest = match gate.unsaved() {
            Some(tokens) => Some(tokens.clone()),
            None => self.0.load().await?,
        };
        let Some(tokens) = newest else { return Ok(()) };
        let body = json!({"refresh_token": tokens.refresh_token.expose()});
        match self.0.post(Method::DELETE, &self.0.endpoints.logout, &body).await {
            // None of the tokens is good: what should be ended has ended.
            Err(SessionError::Refused(problem)) if problem.status == StatusCode::UNAUTHORIZED => {}
            answer => drop(answer?),
        }
        let inner = Arc::clone(&self.0);
        to_the_end(async move {
            inner.store.clear().await.map_err(SessionError::store)?;
            inner.set_current(None);
            *gate = Gate::default();
            Ok(())
        })
        .await
    }

    /// The current access token, refreshed if it is about to expire.
    ///
    /// # Errors
    ///
    /// If there is none to be had.
    pub async fn access_token(&self) -> Result<Secret, SessionError> {
        renew::current(&self.0, None).await
    }
}

impl<S: TokenStore> Inner<S> {
    async fn granted(&self, url: &Url, body: &Value) -> Result<Granted, SessionError> {
        let answer = self.post(Method::POST, url, body).await?;
        serde_json::from_slice(&answer).map_err(|_| Unavailable::not("a token response").into())
    }

    /// The body of the answer, if it is 200.
    async fn post(&self, method: Method, url: &Url, body: &Value) -> Result<Vec<u8>, SessionError> {
        let Keyed { transport, api_key } = &self.server;
        let request = transport.client().request(method, url.clone()).header("api-key", api_key);
        let request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        let answer = transport.ask(request).await?;
        if answer.status == StatusCode::OK { Ok(answer.body) } else { Err(Problem::of(&answer).into()) }
    }

    async fn load(&self) -> Result<Option<Tokens>, SessionError> {
        self.store.load().await.map_err(SessionError::store)
    }

    async fn turn(&self) -> OwnedMutexGuard<Gate> {
        Arc::clone(&self.gate).lock_owned().await
    }

    /// The tokens of an answer, as of now.
    fn tokens(&self, granted: &Granted, refresh_token: Secret) -> Tokens {
        let (access_token, now) = (Secret::from(granted.access_token.as_str()), self.clock.now());
        *self.granted.write().unwrap_or_else(PoisonError::into_inner) = Some((access_token.clone(), now));
        Tokens::granted(refresh_token, &access_token, granted.expires_in, now)
    }

    /// Stores new tokens, and only then lets them be used.
    async fn save(&self, tokens: Tokens) -> Result<(), SessionError> {
        self.store.save(&tokens).await.map_err(SessionError::store)?;
        self.set_current(Some(tokens));
        Ok(())
    }

    /// Whether this access token was granted less than so long ago.
    fn is_younger(&self, token: &Secret, limit: Duration) -> bool {
        let granted = self.granted.read().unwrap_or_else(PoisonError::into_inner);
        granted.as_ref().is_some_and(|(newest, at)| newest == token && age(*at, self.clock.now()) < limit)
    }

    fn current(&self) -> Option<Tokens> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_current(&self, tokens: Option<Tokens>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = tokens;
    }
}

/// Does this whether or not the caller waits: what the server or the store has done already, this process must know of.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, SessionError>> + Send + 'static,
) -> Result<T, SessionError> {
    tokio::spawn(work).await.unwrap_or_else(|_| Err(Unavailable::not("waited for").into()))
}

#[cfg(test)]
mod tests;
