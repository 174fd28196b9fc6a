//! A session's access token on every request of an HTTP client.

use std::time::Duration;

use async_trait::async_trait;
use http::{Extensions, StatusCode, header::AUTHORIZATION};
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error, Middleware, Next};

use super::{Session, SessionError, TokenStore, renew};
use crate::{
    issuer::{BuildError, secure_url},
    secret::Secret,
};

/// How long after it was granted a token that is rejected is not replaced: the next would fare no better.
pub(super) const NEW_FOR: Duration = Duration::from_secs(30);

/// Adds the session's access token to requests, as `Authorization: Bearer`. If one is answered 401, it refreshes once and sends the request
/// once more, unless the token was granted less than 30 s ago; a request with a body that can't be sent twice is not repeated.
///
/// Only the issuer itself and the origins that are [allowed](Self::allow_origin) get the token, and only the issuer the API key. A request to
/// any other is not sent: it fails with [`SessionError::OriginNotAllowed`].
pub struct RefreshMiddleware<S = super::MemoryStore> {
    session: Session<S>,
    origins: Vec<String>,
}

impl<S: TokenStore> RefreshMiddleware<S> {
    /// For requests to the session's issuer.
    #[must_use]
    pub fn new(session: Session<S>) -> Self {
        let origins = vec![session.0.issuer.origin()];
        Self { session, origins }
    }

    /// Sends the access token to this origin too, such as `https://orders.example.com`.
    ///
    /// # Errors
    ///
    /// If it is not a URL that can be trusted.
    pub fn allow_origin(mut self, origin: &str) -> Result<Self, BuildError> {
        self.origins.push(secure_url(origin)?.origin().ascii_serialization());
        Ok(self)
    }

    /// A client with this middleware alone, which follows no redirects. It is the session's own: for a proxy, timeouts or certificates give
    /// the [session](super::SessionBuilder::http_client) what it is made of. Another client must follow none either: `reqwest` takes
    /// `Authorization` off when it is redirected to another host, but neither `Api-Key` nor, at 307 and 308, the body.
    #[must_use]
    pub fn client(self) -> ClientWithMiddleware {
        ClientBuilder::new(self.session.0.server.transport.client().clone()).with(self).build()
    }

    /// Puts the credentials on a request.
    fn authorise(&self, request: &mut Request, origin: &str, token: &Secret) -> Result<(), SessionError> {
        // What no header can hold is no token of ours.
        let authorization = token.header("Bearer ").ok_or(SessionError::Ended)?;
        request.headers_mut().insert(AUTHORIZATION, authorization);
        if origin == self.session.0.issuer.origin() {
            request.headers_mut().insert("api-key", self.session.0.server.api_key.clone());
        }
        Ok(())
    }
}

#[async_trait]
impl<S: TokenStore> Middleware for RefreshMiddleware<S> {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let origin = request.url().origin().ascii_serialization();
        if !self.origins.contains(&origin) {
            return Err(Error::middleware(SessionError::OriginNotAllowed(origin)));
        }
        let token = self.session.access_token().await.map_err(Error::middleware)?;
        let repetition = request.try_clone();
        self.authorise(&mut request, &origin, &token).map_err(Error::middleware)?;
        let answer = next.clone().run(request, extensions).await?;
        if answer.status() != StatusCode::UNAUTHORIZED || self.session.0.is_younger(&token, NEW_FOR) {
            return Ok(answer);
        }
        let renewed = renew::current(&self.session.0, Some(&token)).await;
        // Refreshed all the same, for the next request.
        let Some(mut repetition) = repetition else { return Ok(answer) };
        let newer = renewed.map_err(Error::middleware)?;
        self.authorise(&mut repetition, &origin, &newer).map_err(Error::middleware)?;
        next.run(repetition, extensions).await
    }
}
