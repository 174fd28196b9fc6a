//! OpenID Connect: discovery, the authorization request, the token request, and the ID token (OpenID Connect Core §3.1).
//!
//! `openidconnect` does the protocol. What it leaves to its caller stands here: which algorithms are accepted, by which clock,
//! how old an ID token may be, `azp`, and how long metadata and keys are kept.

use std::time::Duration;

use chrono::{DateTime, Utc};
use openidconnect::{
    AdditionalProviderMetadata, AuthType, AuthorizationCode, ClaimsVerificationError, ClientSecret, CsrfToken,
    IssuerUrl, JsonWebKeySet, Nonce, NonceVerifier, ProviderMetadata, RedirectUrl, Scope, SignatureVerificationError,
    TokenResponse,
    core::{
        CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod,
        CoreGrantType, CoreIdToken, CoreIdTokenClaims, CoreIdTokenVerifier, CoreJsonWebKey, CoreJsonWebKeySet,
        CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm, CoreResponseMode,
        CoreResponseType, CoreSubjectIdentifierType,
    },
};
use serde::{Deserialize, Serialize};

use super::{
    ProviderError, Request,
    remembered::{Remembered, Terms},
    token_error::token_error,
    web::{HttpClient, fetch},
};
use crate::{
    identity::{Assertion, Email},
    secret::Secret,
    world::Timestamp,
};

/// Metadata, and how long it serves while it can't be fetched again.
const METADATA: Terms = Terms { fresh_for: Duration::from_hours(1), good_for: Duration::from_hours(24) };

/// Keys: one that was withdrawn must not serve for a day.
const KEYS: Terms = Terms { fresh_for: Duration::from_hours(1), good_for: Duration::from_hours(1) };

/// How long fetching either may take, so that a copy can still serve.
const FETCH_TIMEOUT: Duration = Duration::from_secs(3);

/// How often keys are fetched before their time, because an ID token verifies with none of them.
const RENEWED_AT_MOST_EVERY: Duration = Duration::from_mins(5);

/// How far a provider's clock may be from ours.
const LEEWAY: Duration = Duration::from_secs(30);

/// How old an ID token may be that has just been asked for.
const MAX_AGE: Duration = Duration::from_mins(10);

/// What signs ID tokens: asymmetric algorithms, whose keys are published. None takes the client secret, and `none` is none of them.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// What RFC 9207 §3 adds to a provider's metadata.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
struct IssuerIdentification {
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for IssuerIdentification {}

type Metadata = ProviderMetadata<
    IssuerIdentification,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

/// An issuer, and what is known of it.
#[derive(Debug)]
pub(super) struct OpenId {
    issuer: IssuerUrl,
    metadata: Remembered<Metadata>,
    keys: Remembered<CoreJsonWebKeySet>,
}

impl OpenId {
    pub(super) const fn new(issuer: IssuerUrl) -> Self {
        Self { issuer, metadata: Remembered::nothing(), keys: Remembered::nothing() }
    }

    /// Where the browser goes to sign in.
    pub(super) async fn authorization_url(
        &self,
        request: &Request<'_>,
        web: &HttpClient,
        now: Timestamp,
    ) -> Result<String, ProviderError> {
        let metadata = self.metadata(web, now).await?;
        let client = CoreClient::from_provider_metadata(Metadata::clone(&metadata), request.client_id(), None)
            .set_redirect_uri(RedirectUrl::from_url(request.redirect_uri.clone()));
        let (state, nonce) = (request.state.expose().to_owned(), request.proofs.nonce.expose().to_owned());
        let mut url = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, || CsrfToken::new(state), || Nonce::new(nonce))
            .set_pkce_challenge(request.code_challenge());
        // The library asks for `openid` by itself.
        for scope in request.settings.scopes.iter().filter(|scope| *scope != "openid") {
            url = url.add_scope(Scope::new(scope.clone()));
        }
        if let Some(prompt) = request.prompt {
            url = url.add_extra_param("prompt", prompt);
        }
        Ok(url.url().0.into())
    }

    /// Whether its answers name it (RFC 9207 §3).
    pub(super) async fn promises_issuer(&self, web: &HttpClient, now: Timestamp) -> Result<bool, ProviderError> {
        let metadata = self.metadata(web, now).await?;
        Ok(metadata.additional_metadata().authorization_response_iss_parameter_supported)
    }

    /// Who has signed in, as `code` proves.
    pub(super) async fn redeem(
        &self,
        code: String,
        client_secret: &Secret,
        request: &Request<'_>,
        web: &HttpClient,
        now: Timestamp,
    ) -> Result<Assertion, ProviderError> {
        let metadata = self.metadata(web, now).await?;
        let id_token = exchange(&metadata, code, client_secret, request, web).await?;
        let claims = self.verify(&id_token, &metadata, request, web, now).await?;
        let email = claims.email().map(|address| Email {
            address: address.as_str().to_owned(),
            verified: claims.email_verified().unwrap_or(false),
        });
        request.assertion(claims.subject().as_str(), email)
    }

    /// The claims of an ID token that is good; keys that it does not verify with are fetched anew, in case they have changed.
    async fn verify<'a>(
        &self,
        id_token: &'a CoreIdToken,
        metadata: &Metadata,
        request: &Request<'_>,
        web: &HttpClient,
        now: Timestamp,
    ) -> Result<&'a CoreIdTokenClaims, ProviderError> {
        let fetched = || in_time(fetch_keys(metadata, web));
        let keys = self.keys.get(&KEYS, now, fetched()).await?;
        let refusal = match verify(id_token, &keys, &self.issuer, request, now) {
            Ok(claims) => return Ok(claims),
            Err(refusal) => refusal,
        };
        let stale = matches!(
            &refusal,
            ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_)
            )
        );
        if stale && let Some(keys) = self.keys.renew(RENEWED_AT_MOST_EVERY, now, fetched()).await {
            let keys = keys?;
            return verify(id_token, &keys, &self.issuer, request, now).map_err(ProviderError::IdToken);
        }
        Err(ProviderError::IdToken(refusal))
    }

    async fn metadata(&self, web: &HttpClient, now: Timestamp) -> Result<std::sync::Arc<Metadata>, ProviderError> {
        self.metadata.get(&METADATA, now, in_time(self.discover(web))).await
    }

    /// OpenID Connect Discovery §4. Its issuer must be the configured one to the letter (§4.3).
    async fn discover(&self, web: &HttpClient) -> Result<Metadata, ProviderError> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let metadata: Metadata = fetch(web, &url, None, "metadata").await?;
        // The browser is sent there with `state` and `nonce`, which do not travel in the clear.
        let secret = web.allows(metadata.authorization_endpoint().url());
        let usable = *metadata.issuer() == self.issuer && secret;
        if usable { Ok(metadata) } else { Err(ProviderError::unusable("metadata", None)) }
    }
}

async fn in_time<T>(fetch: impl Future<Output = Result<T, ProviderError>>) -> Result<T, ProviderError> {
    tokio::time::timeout(FETCH_TIMEOUT, fetch).await.unwrap_or(Err(ProviderError::TimedOut))
}

async fn fetch_keys(metadata: &Metadata, web: &HttpClient) -> Result<CoreJsonWebKeySet, ProviderError> {
    let keys: JsonWebKeySet<CoreJsonWebKey> = fetch(web, metadata.jwks_uri().as_str(), None, "keys").await?;
    Ok(keys)
}

/// The code for an ID token. The access token that comes along is not used, and dropped.
async fn exchange(
    metadata: &Metadata,
    code: String,
    client_secret: &Secret,
    request: &Request<'_>,
    web: &HttpClient,
) -> Result<CoreIdToken, ProviderError> {
    let secret = ClientSecret::new(client_secret.expose().to_owned());
    let methods = metadata.token_endpoint_auth_methods_supported();
    // Basic is what is taken where nothing is said (OpenID Connect Discovery §3). Apple takes the other only.
    let basic = methods.is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
    let client = CoreClient::from_provider_metadata(metadata.clone(), request.client_id(), Some(secret))
        .set_auth_type(if basic { AuthType::BasicAuth } else { AuthType::RequestBody })
        .set_redirect_uri(RedirectUrl::from_url(request.redirect_uri.clone()));
    let answer = client
        .exchange_code(AuthorizationCode::new(code))
        .map_err(|_| ProviderError::unusable("metadata", None))?
        .set_pkce_verifier(request.code_verifier())
        .request_async(web)
        .await
        .map_err(token_error)?;
    answer.id_token().cloned().ok_or_else(|| ProviderError::unusable("token response", None))
}

fn verify<'a>(
    id_token: &'a CoreIdToken,
    keys: &CoreJsonWebKeySet,
    issuer: &IssuerUrl,
    request: &Request<'_>,
    now: Timestamp,
) -> Result<&'a CoreIdTokenClaims, ClaimsVerificationError> {
    let moment = |time: Timestamp| {
        let moment = DateTime::<Utc>::from_timestamp(time.seconds().cast_signed(), 0);
        moment.ok_or_else(|| ClaimsVerificationError::Other("the clock is out of range".to_owned()))
    };
    let (oldest, newest) = (moment(now.minus(MAX_AGE))?, moment(now.plus(LEEWAY))?);
    let expiry = moment(now.minus(LEEWAY))?;
    let verifier = CoreIdTokenVerifier::new_public_client(request.client_id(), issuer.clone(), keys.clone())
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || expiry)
        .set_issue_time_verifier_fn(move |issued_at| {
            let recent = (oldest..=newest).contains(&issued_at);
            recent.then_some(()).ok_or_else(|| "it was not issued just now".to_owned())
        });
    let nonce = Nonce::new(request.proofs.nonce.expose().to_owned());
    let claims = id_token.claims(&verifier, |found: Option<&Nonce>| (&nonce).verify(found))?;
    // OpenID Connect Core §3.1.3.7, 4 and 5.
    match claims.authorized_party() {
        Some(party) if *party != request.client_id() => {
            Err(ClaimsVerificationError::InvalidAudience("it was issued to another client".to_owned()))
        }
        _ => Ok(claims),
    }
}
