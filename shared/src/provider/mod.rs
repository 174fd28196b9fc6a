//! Providers that users sign in at: OpenID Connect issuers by discovery, and OAuth 2 servers by their endpoints.
//!
//! `settings` says which there are, `openid` and `plain` speak to them, `web` holds every request within bounds, `client_secret` knows what
//! becomes of secrets, `stored_secret` where they are, and `remembered` keeps what others keep. A provider is not trusted with more than to
//! say who signed in there: all that it is asked in one request takes at most [`BUDGET`], beside the time to read a client secret.

mod client_secret;
mod openid;
mod plain;
mod remembered;
mod settings;
mod stored_secret;
mod token_error;
mod web;

pub use settings::{InvalidProviders, ProviderSettings};
pub use stored_secret::SecretError;
pub use web::HttpError;

use std::time::Duration;

use openidconnect::{ClaimsVerificationError, ClientId, PkceCodeChallenge, PkceCodeVerifier};
use url::Url;

use crate::{
    config::{Aws, SecretStores},
    flow::{Proofs, Purpose, Ticket},
    identity::{Assertion, Email, MAX_SUBJECT, is_address},
    world::Timestamp,
};
use client_secret::AwsAccess;
use remembered::Passing;
use settings::{Protocol, Settings};
use web::HttpClient;

/// How long a provider may take in one request of ours, whatever it is asked.
pub const BUDGET: Duration = Duration::from_secs(5);

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A provider did not say who signed in.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It took longer than [`BUDGET`], or one answer longer than its share.
    #[error("the provider did not answer in time")]
    TimedOut,
    /// It was not reached, or answered beyond the bounds.
    #[error("the provider can't be reached")]
    Unreachable(#[from] HttpError),
    /// It answered, and the answer can't be used.
    #[error("the provider's {what} can't be used")]
    Unusable {
        /// Which answer.
        what: &'static str,
        /// Why, if anything is known.
        #[source]
        source: Option<Source>,
    },
    /// Its token endpoint refused, for a reason that is not the code.
    #[error("the provider refused the token request")]
    Refused(#[source] Source),
    /// Its ID token is not good.
    #[error("the provider's ID token is not valid")]
    IdToken(#[source] ClaimsVerificationError),
    /// It does not know the code, or not any more.
    #[error("the provider did not accept the code")]
    Code,
    /// The browser comes from another issuer than the one that it was sent to (RFC 9207 §2.4).
    #[error("the answer is another issuer's")]
    OtherIssuer,
    /// The client secret can't be had: not the provider's fault.
    #[error("the client secret can't be read")]
    Secret(#[from] SecretError),
}

impl Passing for ProviderError {
    fn may_pass(&self) -> bool {
        true
    }
}

impl ProviderError {
    fn unusable(what: &'static str, source: Option<Source>) -> Self {
        Self::Unusable { what, source }
    }
}

/// What one flow says to its provider.
struct Request<'a> {
    settings: &'a Settings,
    /// What the provider is to ask (OpenID Connect Core §3.1.2.1).
    prompt: Option<&'a str>,
    redirect_uri: &'a Url,
    state: &'a Ticket,
    proofs: &'a Proofs,
}

impl Request<'_> {
    fn client_id(&self) -> ClientId {
        ClientId::new(self.settings.client_id.clone())
    }

    fn code_verifier(&self) -> PkceCodeVerifier {
        PkceCodeVerifier::new(self.proofs.code_verifier.expose().to_owned())
    }

    fn code_challenge(&self) -> PkceCodeChallenge {
        PkceCodeChallenge::from_code_verifier_sha256(&self.code_verifier())
    }

    /// What is to be believed: a subject that can be kept, and an address only if it could be one.
    fn assertion(&self, subject: &str, email: Option<Email>) -> Result<Assertion, ProviderError> {
        let fits = (1..=MAX_SUBJECT).contains(&subject.len()) && !subject.chars().any(char::is_control);
        if !fits {
            return Err(ProviderError::unusable("subject", None));
        }
        Ok(Assertion {
            provider: self.settings.name.clone(),
            issuer: self.settings.issuer.clone(),
            subject: subject.to_owned(),
            email: email.filter(|email| is_address(&email.address)),
            trusted_for_email: self.settings.link_verified_email,
        })
    }
}

/// The providers of a deployment.
pub struct Providers {
    aws: AwsAccess,
    providers: Vec<Provider>,
}

/// One of them.
pub struct Provider {
    settings: Settings,
    redirect_uri: Url,
    web: HttpClient,
}

/// Providers can't be spoken to.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// An address is not one.
    #[error("an issuer is not a URL")]
    Address(#[from] url::ParseError),
}

impl Providers {
    /// The providers that `settings` names. Nothing is sent yet. Their redirect URIs begin with `issuer`, which is ours: a request's
    /// `Host` says nothing about it.
    ///
    /// # Errors
    ///
    /// If an address is none.
    pub fn connect(
        settings: ProviderSettings,
        issuer: &str,
        account: Aws,
        stores: SecretStores,
    ) -> Result<Self, ConnectError> {
        let web = HttpClient::new();
        let local = stores.parameter_store.is_some() || stores.secrets_manager.is_some();
        let connect = |settings| Provider::connect(settings, issuer, &web);
        let providers = settings.0.into_iter().map(connect).collect::<Result<_, _>>()?;
        Ok(Self { aws: AwsAccess { account, stores, web: web.allowing_local(local) }, providers })
    }

    /// The provider that the deployment calls `name`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.settings.name == name)
    }

    /// Who has signed in at `provider`, as `code` proves that came with `iss` (RFC 9207).
    ///
    /// # Errors
    ///
    /// [`ProviderError`]. The code is used up then, or never was one.
    pub async fn redeem(
        &self,
        provider: &Provider,
        (code, iss): (String, Option<&str>),
        state: &Ticket,
        proofs: &Proofs,
        now: Timestamp,
    ) -> Result<Assertion, ProviderError> {
        let request = provider.request(state, proofs);
        let Settings { client_id, client_secret, issuer, .. } = &provider.settings;
        let secret = client_secret.get(client_id, issuer, &self.aws, now).await?;
        within_budget(async {
            provider.expect_issuer(iss, now).await?;
            match &provider.settings.protocol {
                Protocol::OpenId(openid) => openid.redeem(code, &secret, &request, &provider.web, now).await,
                Protocol::OAuth2(endpoints) => plain::redeem(endpoints, code, &secret, &request, &provider.web).await,
            }
        })
        .await
    }
}

impl Provider {
    fn connect(settings: Settings, issuer: &str, web: &HttpClient) -> Result<Self, ConnectError> {
        let local = web::is_local(&Url::parse(&settings.issuer)?);
        Ok(Self {
            redirect_uri: Url::parse(&format!("{issuer}/oauth/{}/callback", settings.name))?,
            web: web.allowing_local(local),
            settings,
        })
    }

    /// What the deployment calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// Refuses an answer, be it an error, that names another issuer, or none although the provider promises to (RFC 9207 §2.4).
    ///
    /// # Errors
    ///
    /// [`ProviderError::OtherIssuer`], or another one if the provider's metadata can't be had.
    pub async fn check_issuer(&self, iss: Option<&str>, now: Timestamp) -> Result<(), ProviderError> {
        within_budget(self.expect_issuer(iss, now)).await
    }

    async fn expect_issuer(&self, iss: Option<&str>, now: Timestamp) -> Result<(), ProviderError> {
        let right = match (iss, &self.settings.protocol) {
            (Some(iss), _) => iss == self.settings.issuer,
            (None, Protocol::OpenId(openid)) => !openid.promises_issuer(&self.web, now).await?,
            (None, Protocol::OAuth2(_)) => true,
        };
        if right { Ok(()) } else { Err(ProviderError::OtherIssuer) }
    }

    /// Where the browser goes to sign in: with PKCE S256 always (RFC 7636), and a `nonce` where there is an ID token.
    ///
    /// # Errors
    ///
    /// [`ProviderError`] if the provider's metadata can't be had.
    pub async fn authorization_url(
        &self,
        state: &Ticket,
        proofs: &Proofs,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<String, ProviderError> {
        let mut request = self.request(state, proofs);
        // Who adds a way to sign in may want another account than the one that the provider would take without asking.
        if purpose == Purpose::Link {
            request.prompt = request.prompt.or(Some("select_account"));
        }
        match &self.settings.protocol {
            Protocol::OpenId(openid) => within_budget(openid.authorization_url(&request, &self.web, now)).await,
            Protocol::OAuth2(endpoints) => Ok(plain::authorization_url(endpoints, &request)),
        }
    }

    fn request<'a>(&'a self, state: &'a Ticket, proofs: &'a Proofs) -> Request<'a> {
        Request {
            settings: &self.settings,
            prompt: self.settings.prompt.as_deref(),
            redirect_uri: &self.redirect_uri,
            state,
            proofs,
        }
    }
}

async fn within_budget<T>(work: impl Future<Output = Result<T, ProviderError>>) -> Result<T, ProviderError> {
    tokio::time::timeout(BUDGET, work).await.unwrap_or(Err(ProviderError::TimedOut))
}
