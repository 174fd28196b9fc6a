//! The rules of an access token, without any I/O. They are those of the server's own verifier.
//!
//! Nothing of the token is taken on trust (RFC 8725): the header must hold exactly `alg`, `typ` and `kid`, so that `jku`, `jwk`, `x5u`,
//! `x5c`, `crit`, `zip` and `b64` are refused with everything else unknown; `kid` is looked up in a fixed map; the key says which algorithm
//! it is for; and every claim must be there with its type, so that one of the wrong type is an error and never counts as absent
//! (CVE-2026-25537).

use std::{collections::HashMap, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;

use crate::claims::Claims;

/// How far two machines' clocks may differ.
pub const LEEWAY: Duration = Duration::from_secs(30);

/// No token is longer, in bytes. Longer ones are refused before anything is computed.
pub(crate) const MAX_LENGTH: usize = 8192;

/// The token can't be accepted: expired, forged, for somebody else, or no access token at all. Which of them is not for its bearer to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an access token that can be accepted")]
pub struct InvalidToken;

/// A public key and what it may be used for.
pub(crate) struct Key {
    name: &'static str,
    algorithm: Algorithm,
    public: DecodingKey,
}

/// Published keys by name.
pub(crate) type Keys = HashMap<String, std::sync::Arc<Key>>;

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

/// The keys of a JWK set that can be used; nothing if it is none. One that is not understood is skipped (RFC 7517 §5).
pub(crate) fn keys_in(jwks: &[u8]) -> Option<Keys> {
    let set: Set = serde_json::from_slice(jwks).ok()?;
    Some(set.keys.into_iter().filter_map(key_in).collect())
}

fn key_in(jwk: Value) -> Option<(String, std::sync::Arc<Key>)> {
    let jwk: Jwk = serde_json::from_value(jwk).ok()?;
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let (name, algorithm) = match (jwk.common.key_algorithm?, &jwk.algorithm) {
        (KeyAlgorithm::ES256, AlgorithmParameters::EllipticCurve(key)) if key.curve == EllipticCurve::P256 => {
            ("ES256", Algorithm::ES256)
        }
        (KeyAlgorithm::RS256, AlgorithmParameters::RSA(_)) => ("RS256", Algorithm::RS256),
        (KeyAlgorithm::EdDSA, AlgorithmParameters::OctetKeyPair(key)) if key.curve == EllipticCurve::Ed25519 => {
            ("EdDSA", Algorithm::EdDSA)
        }
        _ => return None,
    };
    let public = DecodingKey::from_jwk(&jwk).ok()?;
    Some((jwk.common.key_id?, Key { name, algorithm, public }.into()))
}

/// The header in full. Anything more is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    alg: String,
    typ: String,
    pub(crate) kid: String,
}

/// The token's header, if it is one that the server makes.
pub(crate) fn header(token: &str) -> Result<Header, InvalidToken> {
    if token.len() > MAX_LENGTH {
        return Err(InvalidToken);
    }
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap_or_default()).map_err(|_| InvalidToken)?;
    let header: Header = serde_json::from_slice(&header).map_err(|_| InvalidToken)?;
    let typed = ["at+jwt", "application/at+jwt"].iter().any(|typ| header.typ.eq_ignore_ascii_case(typ));
    if typed { Ok(header) } else { Err(InvalidToken) }
}

/// Whose tokens are accepted, and for whom.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) issuer: String,
    pub(crate) audiences: Vec<String>,
}

impl Expected {
    /// What `token`, which has `header`, says, if `key` has signed it, it is for us, and it is good at `now`.
    pub(crate) fn verify(&self, token: &str, header: &Header, key: &Key, now: u64) -> Result<Claims, InvalidToken> {
        if header.alg != key.name {
            return Err(InvalidToken);
        }
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&self.audiences);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // Time is compared below, against the caller's clock.
        validation.validate_exp = false;

        let claims = jsonwebtoken::decode::<Claims>(token, &key.public, &validation).map_err(|_| InvalidToken)?.claims;
        let latest_start = now.saturating_add(LEEWAY.as_secs());
        let in_time = claims.expires_at.saturating_add(LEEWAY.as_secs()) > now
            && claims.not_before <= latest_start
            && claims.issued_at <= latest_start;
        if in_time { Ok(claims) } else { Err(InvalidToken) }
    }
}

#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
