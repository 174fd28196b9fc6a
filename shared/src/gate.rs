//! Who is calling: the application, and the user whose access token it presents.

use std::sync::Arc;

use crate::{
    access_token::Claims,
    application::Application,
    config::Config,
    http::{AccessToken, Cookies, Request, basic_credentials, check_cross_site},
    ids::ApplicationId,
    keyring::VerificationRing,
    live::{self, Identity},
    note,
    problem::Problem,
    store::{Applications, Caller, IdentifyError, KeysError, Sessions, Store, StoreError, Users},
    world::{Timestamp, World},
};

/// The application that a request names, proven or not.
///
/// # Errors
///
/// If the key is not valid, or there is none and no default application.
pub async fn application(
    request: &Request,
    applications: &Applications,
    now: Timestamp,
) -> Result<Arc<Application>, Problem> {
    Ok(caller(request, applications, now).await?.application)
}

/// The same, and whether it is proven: by the secret key.
///
/// # Errors
///
/// As [`application`].
pub async fn caller(request: &Request, applications: &Applications, now: Timestamp) -> Result<Caller, Problem> {
    let key = request.api_key()?;
    let caller = applications.identify(key.as_deref(), now).await?;
    note::application(caller.application.id);
    Ok(caller)
}

/// The application that a browser's navigation names, which can't have an `Api-Key` header: by its id in `client_id` (RFC 6749 §4.1.1).
///
/// # Errors
///
/// If there is no such application, or none is named and there is no default one.
pub async fn named_in_query(
    request: &Request,
    applications: &Applications,
    now: Timestamp,
) -> Result<Arc<Application>, Problem> {
    let Some(id) = request.query_parameter("client_id") else {
        return application(request, applications, now).await;
    };
    request.refuse_credentials_in_query()?;
    let found = match id.parse() {
        Ok(id) => by_id(id, applications, now).await?,
        Err(_) => None,
    };
    found.ok_or(Problem::InvalidRequest("client_id names no application"))
}

/// The application `id`.
///
/// # Errors
///
/// If the store fails.
pub async fn by_id(
    id: ApplicationId,
    applications: &Applications,
    now: Timestamp,
) -> Result<Option<Arc<Application>>, StoreError> {
    let application = applications.cached(id, now).await?;
    if let Some(application) = &application {
        note::application(application.id);
    }
    Ok(application)
}

/// The application that a request proves to be from, by its secret key in `Api-Key` or as the password of HTTP Basic with
/// the application id as the name (`client_secret_basic`, RFC 6749 §2.3.1).
///
/// # Errors
///
/// [`Problem::InvalidClient`] without such proof, [`Problem::InvalidRequest`] with two.
pub async fn client(
    request: &Request,
    applications: &Applications,
    now: Timestamp,
) -> Result<Arc<Application>, Problem> {
    let basic = basic_credentials(request)?;
    let (name, key) = match (request.api_key()?, basic) {
        (Some(key), Some(_)) if key.starts_with("sk_") => {
            return Err(Problem::InvalidRequest("authenticate in one way only"));
        }
        (_, Some((name, secret))) => (Some(name), secret.into_exposed()),
        (Some(key), None) => (None, key),
        (None, None) => return Err(Problem::InvalidClient),
    };
    let caller = applications.identify(Some(&key), now).await.map_err(|error| match error {
        IdentifyError::Store(error) => error.into(),
        IdentifyError::UnknownKey | IdentifyError::NoKey => Problem::InvalidClient,
    })?;
    note::application(caller.application.id);
    let named = name.is_none_or(|name| name == caller.application.id.to_string());
    if caller.authenticated && named { Ok(caller.application) } else { Err(Problem::InvalidClient) }
}

/// Verifies access tokens.
pub struct TokenGate {
    keys: VerificationRing,
    audience: String,
    cookies: Cookies,
}

impl TokenGate {
    /// Loads the public keys.
    ///
    /// # Errors
    ///
    /// If there are none, or they can't be read for a reason that will not pass.
    pub async fn load(config: &Config, store: &Store, world: &impl World) -> Result<Self, KeysError> {
        let keys = VerificationRing::load(&config.issuer, &store.signing_keys, world).await?;
        Ok(Self { keys, audience: config.audience.clone(), cookies: config.cookies })
    }

    /// The cookies' form.
    #[must_use]
    pub const fn cookies(&self) -> Cookies {
        self.cookies
    }

    /// What `token` says, if it verifies for `application`, or for the deployment if none is named.
    ///
    /// # Errors
    ///
    /// If there is no key to be had.
    pub async fn verify(
        &self,
        token: &str,
        application: Option<&Application>,
        now: Timestamp,
    ) -> Result<Option<Claims>, KeysError> {
        let audience = application.and_then(|application| application.audience.as_ref()).unwrap_or(&self.audience);
        let claims = self.keys.verify(token, audience, now).await?;
        if let Some(claims) = &claims {
            note::session(claims.sub, claims.sid);
            // At the authorizer nobody else names one.
            if application.is_none() {
                note::application(claims.client_id);
            }
        }
        Ok(claims)
    }

    /// What the request's access token says; `None` if it presents none.
    ///
    /// # Errors
    ///
    /// If the token does not verify, or came by cookie from a page that may not use it.
    pub async fn claims(
        &self,
        request: &Request,
        application: &Application,
        now: Timestamp,
    ) -> Result<Option<Claims>, Problem> {
        let Some(token) = AccessToken::in_headers(request.headers(), self.cookies)? else {
            return Ok(None);
        };
        if token.from_cookie() {
            check_cross_site(request, application)?;
        }
        let claims = self.verify(token.expose(), Some(application), now).await?;
        // The caller names the application, so that its list protects only its own cookies: otherwise a page that any
        // other application allows could name that one and use them.
        let foreign = |claims: &Claims| claims.client_id != application.id;
        if token.from_cookie() && request.is_unsafe() && claims.as_ref().is_some_and(foreign) {
            return Err(Problem::OriginNotAllowed);
        }
        claims.map(Some).ok_or(Problem::InvalidToken("the access token is expired, or is not one of ours"))
    }
}

/// The token's session is over: the live check said so.
pub const SESSION_OVER: Problem = Problem::InvalidToken("the access token's session is over");

/// Verifies access tokens and asks the table whether their sessions still stand.
pub struct Gate {
    /// The part without I/O.
    pub tokens: TokenGate,
    /// Accounts.
    pub users: Users,
    /// Sign-ins.
    pub sessions: Sessions,
}

impl Gate {
    /// Loads the public keys.
    ///
    /// # Errors
    ///
    /// If there are none, or they can't be read for a reason that will not pass.
    pub async fn load(config: &Config, store: &Store, world: &impl World) -> Result<Self, KeysError> {
        let tokens = TokenGate::load(config, store, world).await?;
        Ok(Self { tokens, users: store.users.clone(), sessions: store.sessions.clone() })
    }

    /// Who the request is from; `None` if it presents no access token. The check is strongly consistent: after a logout
    /// was answered, the next request is refused.
    ///
    /// # Errors
    ///
    /// If the token does not verify, or its session is over.
    pub async fn identify(
        &self,
        request: &Request,
        application: &Application,
        now: Timestamp,
    ) -> Result<Option<(Claims, Identity)>, Problem> {
        let Some(claims) = self.tokens.claims(request, application, now).await? else {
            return Ok(None);
        };
        let identity = live::check(&claims, &self.users, &self.sessions, true, now).await?.ok_or(SESSION_OVER)?;
        Ok(Some((claims, identity)))
    }
}
