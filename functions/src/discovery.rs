//! `GET /.well-known/openid-configuration` and `…/oauth-authorization-server`: what this server offers (RFC 8414).
//!
//! The same document under both names: API Gateway's JWT authorizer asks for the first, OAuth clients for the second, at
//! the place that RFC 8414 §3.1 gives to issuers with a path.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use shared::{access_token::Algorithm, config::Config, http::Response, keyring::PUBLISHED_FOR, problem::Problem};

use crate::openapi::{BASE, CalledBy, Operation};

/// What this server offers (RFC 8414 §2).
#[derive(Serialize, JsonSchema)]
struct Metadata<'a> {
    /// What access tokens call their issuer.
    issuer: &'a str,
    jwks_uri: String,
    introspection_endpoint: String,
    introspection_endpoint_auth_methods_supported: [&'static str; 1],
    revocation_endpoint: String,
    revocation_endpoint_auth_methods_supported: [&'static str; 1],
    response_types_supported: [&'static str; 0],
    grant_types_supported: [&'static str; 0],
    subject_types_supported: [&'static str; 1],
    id_token_signing_alg_values_supported: [&'static str; 3],
}

impl<'a> Metadata<'a> {
    fn of(issuer: &'a str) -> Self {
        let client_authentication = ["client_secret_basic"];
        Self {
            issuer,
            jwks_uri: format!("{issuer}/.well-known/jwks.json"),
            introspection_endpoint: format!("{issuer}/introspect"),
            introspection_endpoint_auth_methods_supported: client_authentication,
            revocation_endpoint: format!("{issuer}/revoke"),
            revocation_endpoint_auth_methods_supported: client_authentication,
            response_types_supported: [],
            grant_types_supported: [],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: Algorithm::ALL.map(Algorithm::as_str),
        }
    }
}

pub(crate) fn operations() -> Vec<Operation> {
    let operation = |id, path| {
        let example = json!(Metadata::of("https://auth.example.com/api/v1/auth"));
        Operation::new(id, "GET", path, CalledBy::Anyone)
            .about(
                "metadata",
                "Get the server's metadata",
                "RFC 8414; the same document under three names. Cacheable for 300 s.",
            )
            .answers::<Metadata>(200, "What this server offers", &[("metadata", example)])
    };
    let (openid, oauth) = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server");
    vec![
        operation("openidConfiguration", openid),
        operation("authorizationServerMetadata", oauth),
        operation("authorizationServerMetadataAtRoot", oauth).at(&format!("{oauth}{BASE}")),
    ]
}

/// Answers 200. There is no authorization endpoint: Gatelet signs in its own users and delegates nothing.
pub fn handle(config: &Config) -> Result<Response, Problem> {
    Ok(Response::json(200, &Metadata::of(&config.issuer))?.cacheable(PUBLISHED_FOR))
}
