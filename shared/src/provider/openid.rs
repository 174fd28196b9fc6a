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
    Callback, ProviderError, Request,
    copy::Copy,
    token_error::token_error,
    web::{Web, fetch},
};
use crate::{
    identity::{Assertion, Email},
    secret::Secret,
    world::Timestamp,
};

/// How long metadata and keys are kept.
const KEPT_FOR: Duration = Duration::from_hours(1);

/// How long metadata serves while it can't be fetched again. Keys do not: one that was withdrawn must not serve for a day.
const METADATA_GOOD_FOR: Duration = Duration::from_hours(24);

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
pub(super) struct OpenId {
    issuer: IssuerUrl,
    metadata: Copy<Metadata>,
    keys: Copy<CoreJsonWebKeySet>,
}

impl OpenId {
    pub(super) const fn new(issuer: IssuerUrl) -> Self {
        Self { issuer, metadata: Copy::nothing(), keys: Copy::nothing() }
    }

    /// Where the browser goes to sign in.
    pub(super) async fn authorization_url(
        &self,
        request: &Request<'_>,
        web: &Web,
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
        if let Some(prompt) = &request.settings.prompt {
            url = url.add_extra_param("prompt", prompt);
        }
        Ok(url.url().0.into())
    }

    /// Who has signed in, as `callback` leads to it.
    pub(super) async fn redeem(
        &self,
        callback: Callback,
        client_secret: &Secret,
        request: &Request<'_>,
        web: &Web,
        now: Timestamp,
    ) -> Result<Assertion, ProviderError> {
        let metadata = self.metadata(web, now).await?;
        if callback.iss.is_none() && metadata.additional_metadata().authorization_response_iss_parameter_supported {
            return Err(ProviderError::OtherIssuer);
        }
        let id_token = exchange(&metadata, callback.code, client_secret, request, web).await?;
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
        web: &Web,
        now: Timestamp,
    ) -> Result<&'a CoreIdTokenClaims, ProviderError> {
        let fetched = || fetch_keys(metadata, web);
        let keys = self.keys.get(KEPT_FOR, KEPT_FOR, now, fetched()).await?;
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

    async fn metadata(&self, web: &Web, now: Timestamp) -> Result<std::sync::Arc<Metadata>, ProviderError> {
        self.metadata.get(KEPT_FOR, METADATA_GOOD_FOR, now, self.discover(web)).await
    }

    /// OpenID Connect Discovery §4. Its issuer must be the configured one to the letter (§4.3).
    async fn discover(&self, web: &Web) -> Result<Metadata, ProviderError> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let metadata: Metadata = fetch(web, &url, None, "metadata").await?;
        if *metadata.issuer() == self.issuer { Ok(metadata) } else { Err(ProviderError::unusable("metadata", None)) }
    }
}

async fn fetch_keys(metadata: &Metadata, web: &Web) -> Result<CoreJsonWebKeySet, ProviderError> {
    let keys: JsonWebKeySet<CoreJsonWebKey> = fetch(web, metadata.jwks_uri().as_str(), None, "keys").await?;
    Ok(keys)
}

/// The code for an ID token. The access token that comes along is not used, and dropped.
async fn exchange(
    metadata: &Metadata,
    code: String,
    client_secret: &Secret,
    request: &Request<'_>,
    web: &Web,
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
    let moment = |time: Timestamp| DateTime::<Utc>::from_timestamp(time.seconds().cast_signed(), 0).unwrap_or_default();
    let (oldest, newest) = (moment(now.minus(MAX_AGE)), moment(now.plus(LEEWAY)));
    let verifier = CoreIdTokenVerifier::new_public_client(request.client_id(), issuer.clone(), keys.clone())
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(move || moment(now.minus(LEEWAY)))
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
