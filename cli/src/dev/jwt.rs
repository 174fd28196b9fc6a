//! API Gateway's native JWT authorizer: what an HTTP API checks of a token by itself, without asking a function.
//!
//! As AWS documents it: an RSA signature by a key that the issuer publishes under the token's `kid`; `iss`; `aud`, or `client_id` where there
//! is no `aud`; `exp`, `nbf`, `iat`; and one of the route's scopes if it has any. Nothing is asked about the session: a token is good until it
//! expires. Published keys are kept for two hours, so that a new one is not known at once.

use super::authorizer::{Decision, IdentitySource, UnsupportedAuthorizer, identity};
use super::clock;
use super::event::Call;
use super::jwks;
use super::resources;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::{Map, Value, json};
use shared::rotation::KEPT_BY_API_GATEWAY;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use tokio::sync::Mutex;
use tokio::time::Instant;

/// What API Gateway takes. Every other algorithm is refused, ES256 too.
const ALGORITHMS: [Algorithm; 3] = [Algorithm::RS256, Algorithm::RS384, Algorithm::RS512];

/// One JWT authorizer of the API.
pub(crate) struct JwtAuthorizer {
    identity_sources: Vec<IdentitySource>,
    issuer: String,
    audience: Vec<String>,
    keys: Mutex<Option<(Instant, Arc<JwkSet>)>>,
}

/// Why a token is no good; nobody is told which.
#[derive(Debug, PartialEq, Eq)]
struct Invalid;

impl JwtAuthorizer {
    pub(crate) fn new(declared: &resources::Authorizer) -> Result<Self, UnsupportedAuthorizer> {
        let configuration = declared.jwt_configuration.clone().unwrap_or_default();
        let identity_sources =
            declared.identity_source.iter().map(|source| source.parse()).collect::<Result<Vec<_>, _>>()?;
        if configuration.issuer.is_empty() || configuration.audience.is_empty() || identity_sources.len() != 1 {
            return Err(UnsupportedAuthorizer::Jwt);
        }
        let resources::JwtConfiguration { issuer, audience } = configuration;
        Ok(Self { identity_sources, issuer, audience, keys: Mutex::default() })
    }

    /// Decides about a request to a route that asks for one of `scopes`; for none if that is empty.
    pub(crate) async fn decide(&self, call: &Call<'_>, scopes: &[String]) -> Decision {
        let Some(credential) = identity(&self.identity_sources, call).and_then(|mut found| found.pop()) else {
            return Decision::Unidentified;
        };
        let Ok(keys) = self.keys().await else {
            return Decision::Broken;
        };
        let token = bearer(&credential);
        match self.verified(token, &keys, clock::now()) {
            Err(Invalid) => Decision::Invalid,
            Ok(claims) => admitted(&claims, scopes),
        }
    }

    /// The keys that the issuer publishes, as of two hours ago at most.
    async fn keys(&self) -> Result<Arc<JwkSet>, jwks::Unavailable> {
        let mut kept = self.keys.lock().await;
        if let Some((_, keys)) = kept.as_ref().filter(|(until, _)| *until > Instant::now()) {
            return Ok(Arc::clone(keys));
        }
        let keys = Arc::new(jwks::published_by(&self.issuer).await?);
        *kept = Some((Instant::now() + KEPT_BY_API_GATEWAY, Arc::clone(&keys)));
        Ok(keys)
    }

    fn verified(&self, token: &str, keys: &JwkSet, now: SystemTime) -> Result<Map<String, Value>, Invalid> {
        let header = decode_header(token).map_err(|_| Invalid)?;
        let algorithm = header.alg;
        let key = header.kid.as_deref().and_then(|kid| keys.find(kid)).filter(|_| ALGORITHMS.contains(&algorithm));
        let key = key.and_then(|key| DecodingKey::from_jwk(key).ok()).ok_or(Invalid)?;
        let mut validation = Validation::new(algorithm);
        // The times and the audience are looked at below: the library's own rules are others.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        let claims = decode::<Map<String, Value>>(token, &key, &validation).map_err(|_| Invalid)?.claims;
        let now = now.duration_since(UNIX_EPOCH).map_err(|_| Invalid)?.as_secs_f64();
        let time = |name: &str| claims.get(name).map(|value| value.as_f64().ok_or(Invalid)).transpose();
        let is_current = time("exp")?.is_some_and(|end| now < end)
            && time("nbf")?.is_none_or(|start| start <= now)
            && time("iat")?.is_none_or(|issued| issued <= now);
        let is_ours = claims.get("iss").and_then(Value::as_str) == Some(&self.issuer) && self.is_for_us(&claims);
        if is_current && is_ours { Ok(claims) } else { Err(Invalid) }
    }

    fn is_for_us(&self, claims: &Map<String, Value>) -> bool {
        let named = match claims.get("aud") {
            Some(Value::Array(audiences)) => audiences.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(audience)) => vec![audience.as_str()],
            Some(_) => vec![],
            None => claims.get("client_id").and_then(Value::as_str).into_iter().collect(),
        };
        named.iter().any(|name| self.audience.iter().any(|expected| expected == name))
    }
}

/// A credential without its scheme, which may be absent.
fn bearer(credential: &str) -> &str {
    let scheme = credential.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("Bearer "));
    scheme.map_or(credential, |scheme| &credential[scheme.len()..])
}

/// What the function is told: every claim as text, and the scopes that opened the route.
fn admitted(claims: &Map<String, Value>, wanted: &[String]) -> Decision {
    let given = ["scope", "scp"].iter().find_map(|name| claims.get(*name)).map(scopes).unwrap_or_default();
    let matched: Vec<_> = wanted.iter().filter(|scope| given.contains(scope)).collect();
    if !wanted.is_empty() && matched.is_empty() {
        return Decision::Deny;
    }
    let texts: Map<_, _> = claims.iter().map(|(name, value)| (name.clone(), text(value).into())).collect();
    let scopes = if wanted.is_empty() { Value::Null } else { json!(matched) };
    Decision::Allow(Map::from_iter([("claims".to_owned(), texts.into()), ("scopes".to_owned(), scopes)]))
}

fn scopes(claim: &Value) -> Vec<String> {
    match claim {
        Value::Array(scopes) => scopes.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        other => other.as_str().unwrap_or_default().split(' ').map(str::to_owned).collect(),
    }
}

/// A claim as API Gateway hands it on: a list in brackets, without commas.
fn text(claim: &Value) -> String {
    match claim {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(" ")),
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
