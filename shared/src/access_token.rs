//! Access tokens: JWTs of the profile of RFC 9068, signed and verified.
//!
//! Verification takes nothing from the token on trust (RFC 8725): the header must hold exactly `alg`, `typ` and `kid`, so
//! that `jku`, `jwk`, `x5u`, `x5c`, `crit`, `zip` and `b64` are refused with everything else unknown; `kid` is looked
//! up in a fixed map; the key says which algorithm it is for; and every claim must be there with its type, so that one of
//! the wrong type is an error and never counts as absent (CVE-2026-25537).

use std::{collections::HashMap, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation, jwk::Jwk};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ids::{ApplicationId, SessionId, UserKey},
    secret::Secret,
    world::Timestamp,
};

/// The `typ` of an access token (RFC 9068 §2.1).
const TYPE: &str = "at+jwt";

/// How far two machines' clocks may differ.
pub const LEEWAY: Duration = Duration::from_secs(30);

/// No token of ours is longer, in bytes. Longer ones are refused before anything is computed.
const MAX_LENGTH: usize = 8192;

/// The signature algorithms that a deployment may choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256: the default.
    ES256,
    /// RSASSA-PKCS1-v1_5 with SHA-256: for API Gateway's own JWT authorizer, which takes RSA only.
    RS256,
    /// Ed25519 (RFC 8037).
    EdDSA,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ES256, Self::RS256, Self::EdDSA];

    /// The registered name (RFC 7518 §3.1).
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ES256 => "ES256",
            Self::RS256 => "RS256",
            Self::EdDSA => "EdDSA",
        }
    }

    /// The algorithm of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }

    pub(crate) const fn jose(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::ES256 => jsonwebtoken::Algorithm::ES256,
            Self::RS256 => jsonwebtoken::Algorithm::RS256,
            Self::EdDSA => jsonwebtoken::Algorithm::EdDSA,
        }
    }

    pub(crate) fn encoding_key(self, der: &[u8]) -> EncodingKey {
        match self {
            Self::ES256 => EncodingKey::from_ec_der(der),
            Self::RS256 => EncodingKey::from_rsa_der(der),
            Self::EdDSA => EncodingKey::from_ed_der(der),
        }
    }
}

/// What an access token says (RFC 9068 §2.2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Claims {
    /// The issuer's URL.
    pub iss: String,
    /// Whom it is for. We issue one audience and accept no list: a token for others too is not for us.
    pub aud: String,
    /// The user.
    pub sub: UserKey,
    /// When it expires.
    pub exp: Timestamp,
    /// When it was issued.
    pub iat: Timestamp,
    /// Not before: the same moment.
    pub nbf: Timestamp,
    /// Its own id.
    pub jti: String,
    /// The session.
    pub sid: SessionId,
    /// The application.
    pub client_id: ApplicationId,
    /// When the user signed in.
    pub auth_time: Timestamp,
    /// How (RFC 8176).
    pub amr: Vec<String>,
    /// The user's permissions, space separated, so that API Gateway's route scopes work. Absent if there are none: a scope has
    /// at least one token (RFC 6749 §3.3), and libraries refuse an empty one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// The user's epoch.
    pub ep: u64,
}

/// The token can't be accepted. Which of the many reasons is not the caller's to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAccessToken {
    /// It names a key that this verifier does not have; nothing else of it was looked at.
    #[error("signed with an unknown key")]
    UnknownKey,
    /// Anything else.
    #[error("not an access token that can be accepted")]
    Unacceptable,
}

/// A key pair's private half could not be used.
#[derive(Debug, thiserror::Error)]
#[error("the signing key can't sign")]
pub struct SigningFailed(#[source] jsonwebtoken::errors::Error);

/// Signs access tokens.
pub struct Signer {
    header: Header,
    key: EncodingKey,
}

impl Signer {
    /// Signs with the private key `der` (PKCS #8; for RSA, PKCS #1) under the name `kid`.
    #[must_use]
    pub fn new(kid: String, algorithm: Algorithm, der: &[u8]) -> Self {
        let header = Header { typ: Some(TYPE.to_owned()), kid: Some(kid), ..Header::new(algorithm.jose()) };
        Self { header, key: algorithm.encoding_key(der) }
    }

    /// The token that says `claims`.
    ///
    /// # Errors
    ///
    /// [`SigningFailed`] if the stored key is not one of its algorithm.
    pub fn sign(&self, claims: &Claims) -> Result<Secret, SigningFailed> {
        jsonwebtoken::encode(&self.header, claims, &self.key).map(Secret::new).map_err(SigningFailed)
    }
}

/// Verifies access tokens without any I/O.
pub struct Verifier {
    issuer: String,
    keys: HashMap<String, VerificationKey>,
}

struct VerificationKey {
    key: DecodingKey,
    algorithm: Algorithm,
}

/// The header in full. Anything more is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictHeader<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

impl Verifier {
    /// Verifies tokens of `issuer` that were signed by any of `keys`, each a name, its algorithm and its public half.
    ///
    /// # Errors
    ///
    /// If a public key can't be read.
    pub fn new(
        issuer: String,
        keys: impl IntoIterator<Item = (String, Algorithm, Jwk)>,
    ) -> Result<Self, jsonwebtoken::errors::Error> {
        let keys = keys
            .into_iter()
            .map(|(kid, algorithm, jwk)| {
                DecodingKey::from_jwk(&jwk).map(|key| (kid, VerificationKey { key, algorithm }))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { issuer, keys })
    }

    /// What `token` says, if it is ours, for `audience`, and good at `now`.
    ///
    /// # Errors
    ///
    /// [`InvalidAccessToken`] otherwise.
    pub fn verify(&self, token: &str, audience: &str, now: Timestamp) -> Result<Claims, InvalidAccessToken> {
        let key = self.key_for(token)?;
        let mut validation = Validation::new(key.algorithm.jose());
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // Time is compared below, against the caller's clock.
        validation.validate_exp = false;

        let claims = jsonwebtoken::decode::<Claims>(token, &key.key, &validation)
            .map_err(|_| InvalidAccessToken::Unacceptable)?
            .claims;
        let latest_start = now.plus(LEEWAY);
        let in_time = claims.exp.plus(LEEWAY) > now && claims.nbf <= latest_start && claims.iat <= latest_start;
        if in_time { Ok(claims) } else { Err(InvalidAccessToken::Unacceptable) }
    }

    /// The key that the token's header names, if the header is one that we make.
    fn key_for(&self, token: &str) -> Result<&VerificationKey, InvalidAccessToken> {
        let unacceptable = InvalidAccessToken::Unacceptable;
        if token.len() > MAX_LENGTH {
            return Err(unacceptable);
        }
        let header = token.split('.').next().unwrap_or_default();
        let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| unacceptable)?;
        let header: StrictHeader<'_> = serde_json::from_slice(&header).map_err(|_| unacceptable)?;
        if !header.typ.eq_ignore_ascii_case(TYPE) && !header.typ.eq_ignore_ascii_case("application/at+jwt") {
            return Err(unacceptable);
        }
        let key = self.keys.get(header.kid).ok_or(InvalidAccessToken::UnknownKey)?;
        if header.alg == key.algorithm.as_str() { Ok(key) } else { Err(unacceptable) }
    }
}

#[cfg(test)]
#[path = "access_token_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "access_token_vectors.rs"]
mod vectors;
