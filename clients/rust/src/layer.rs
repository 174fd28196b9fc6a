//! A `tower` layer that guards routes.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    claims::{Claims, Scopes},
    credential::{CookiePolicy, access_token},
    introspect::Introspector,
    refusal::Refusal,
    verifier::Verifier,
};

/// Lets requests pass that present a good access token, with its [`Claims`] among the request's extensions.
///
/// | request | `required` | `optional` |
/// |---|---|---|
/// | without a credential | 401 `token_required`, challenge without error | passes without claims |
/// | with a bad one | 401 `invalid_token` | 401 `invalid_token`: never taken for anonymous |
/// | with two, with a tab or comma, or with one in the query | 400 `invalid_request` | 400 |
/// | with one that lacks a scope | 403 `insufficient_scope` | 403 |
/// | by cookie, unsafe, from a page that is not listed | 403 `origin_not_allowed` | 403 |
/// | nobody can say whether it is good | 503 `temporarily_unavailable`, `Retry-After` | 503 |
///
/// Refusals are `application/problem+json` (RFC 9457) with `Cache-Control: no-store`, and challenge as RFC 6750 §3 wants it.
#[derive(Clone)]
#[must_use]
pub struct AuthLayer(Arc<Guard>);

#[derive(Clone)]
struct Guard {
    verifier: Verifier,
    required: bool,
    scopes: Scopes,
    cookies: Option<CookiePolicy>,
    live: Option<Introspector>,
    realm: String,
}

impl AuthLayer {
    /// Nobody passes without an access token.
    pub fn required(verifier: Verifier) -> Self {
        Self::new(verifier, true)
    }

    /// Whoever presents no credential passes as anonymous: without [`Claims`].
    pub fn optional(verifier: Verifier) -> Self {
        Self::new(verifier, false)
    }

    fn new(verifier: Verifier, required: bool) -> Self {
        let realm = "gatelet".to_owned();
        Self(Arc::new(Guard { verifier, required, scopes: Scopes::default(), cookies: None, live: None, realm }))
    }

    fn with(mut self, change: impl FnOnce(&mut Guard)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Whoever presents a token needs this permission too. May be called several times; then all of them are needed.
    pub fn with_scope(self, scope: impl Into<String>) -> Self {
        self.with(|guard| guard.scopes.insert(scope.into()))
    }

    /// Takes the access cookie for a credential as well. Methods that change something need an `Origin` on this list then, such as
    /// `https://app.example.com`: browsers send cookies with the requests of other pages, too.
    pub fn accept_cookie<S: Into<String>>(self, allowed_origins: impl IntoIterator<Item = S>) -> Self {
        let origins = allowed_origins.into_iter().map(Into::into).collect();
        self.with(|guard| guard.cookies = Some(CookiePolicy::new(guard.verifier.issuer().is_secure(), origins)))
    }

    /// Asks the server as well, after the token was verified here, whether its session is alive. A revocation is noticed within the
    /// introspector's time to live.
    pub fn live(self, introspector: Introspector) -> Self {
        self.with(|guard| guard.live = Some(introspector))
    }

    /// Names the realm in challenges. The default is `gatelet`. Quotes and backslashes are left out.
    pub fn realm(self, realm: &str) -> Self {
        self.with(|guard| guard.realm = realm.replace(['"', '\\'], ""))
    }
}

impl Guard {
    /// Who is calling; nothing for somebody anonymous who may be so.
    async fn admit(&self, token: Result<Option<String>, Refusal>) -> Result<Option<Claims>, Refusal> {
        let Some(token) = token? else {
            return if self.required { Err(Refusal::TokenRequired) } else { Ok(None) };
        };
        let claims = self.verifier.verify(&token).await?;
        if let Some(introspector) = &self.live
            && introspector.introspect(&token).await?.is_none()
        {
            return Err(Refusal::InvalidToken);
        }
        if claims.scopes.includes(&self.scopes) {
            Ok(Some(claims))
        } else {
            Err(Refusal::InsufficientScope(self.scopes.clone()))
        }
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = AuthService<S>;

    fn layer(&self, inner: S) -> AuthService<S> {
        AuthService { guard: Arc::clone(&self.0), inner }
    }
}

/// A service behind an [`AuthLayer`].
#[derive(Clone)]
pub struct AuthService<S> {
    guard: Arc<Guard>,
    inner: S,
}

impl<S, B, R> Service<Request<B>> for AuthService<S>
where
    S: Service<Request<B>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
    R: From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // The one that was polled is ready, not its copy.
        let copy = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, copy);
        let guard = Arc::clone(&self.guard);
        let token = access_token(&request, guard.cookies.as_ref());
        Box::pin(async move {
            match guard.admit(token).await {
                Ok(claims) => {
                    if let Some(claims) = claims {
                        request.extensions_mut().insert(claims);
                    }
                    inner.call(request).await
                }
                Err(refusal) => Ok(refusal.response(&guard.realm)),
            }
        })
    }
}
