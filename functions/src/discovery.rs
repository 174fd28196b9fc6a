//! `GET /.well-known/openid-configuration` and `…/oauth-authorization-server`: what this server offers (RFC 8414).
//!
//! The same document under both names: API Gateway's JWT authorizer asks for the first, OAuth clients for the second, at
//! the place that RFC 8414 §3.1 gives to issuers with a path.

use serde_json::json;
use shared::{access_token::Algorithm, config::Config, http::Response, keyring::PUBLISHED_FOR, problem::Problem};

/// Answers 200. There is no authorization endpoint: Gatelet signs in its own users and delegates nothing.
pub fn handle(config: &Config) -> Result<Response, Problem> {
    let issuer = &config.issuer;
    let client_authentication = ["client_secret_basic"];
    let algorithms = Algorithm::ALL.map(Algorithm::as_str);
    let metadata = json!({
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "introspection_endpoint": format!("{issuer}/introspect"),
        "introspection_endpoint_auth_methods_supported": client_authentication,
        "revocation_endpoint": format!("{issuer}/revoke"),
        "revocation_endpoint_auth_methods_supported": client_authentication,
        "response_types_supported": [],
        "grant_types_supported": [],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": algorithms,
    });
    Ok(Response::json(200, &metadata)?.cacheable(PUBLISHED_FOR))
}
