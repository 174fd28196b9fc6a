//! `GET /.well-known/openid-configuration` and `…/oauth-authorization-server`: what this server offers (RFC 8414).
//!
//! The same document under both names: API Gateway's JWT authorizer asks for the first, OAuth clients for the second, at
//! the place that RFC 8414 §3.1 gives to issuers with a path.

use serde::Serialize;
use serde_json::{Value, json};
use shared::{access_token::Algorithm, config::Config, http::Response, keyring::PUBLISHED_FOR, problem::Problem};
use utoipa::{ToSchema, openapi::HttpMethod};

use crate::openapi::{CACHEABLE, ISSUER, Operation};

/// What this server offers (RFC 8414).
#[derive(Serialize, ToSchema)]
struct Metadata<'a> {
    /// The `iss` of all tokens, and what the addresses begin with.
    issuer: &'a str,
    /// Where the public keys are.
    jwks_uri: String,
    /// Where tokens are introspected (RFC 7662).
    introspection_endpoint: String,
    /// How applications authenticate there.
    introspection_endpoint_auth_methods_supported: [&'static str; 1],
    /// Where tokens are revoked (RFC 7009).
    revocation_endpoint: String,
    /// How applications authenticate there.
    revocation_endpoint_auth_methods_supported: [&'static str; 1],
    /// None: there is no authorization endpoint.
    response_types_supported: [&'static str; 0],
    /// None: there is no token endpoint.
    grant_types_supported: [&'static str; 0],
    /// OpenID Connect wants it: `sub` is the same for all applications.
    subject_types_supported: [&'static str; 1],
    /// The algorithms that access tokens may be signed with.
    id_token_signing_alg_values_supported: [Algorithm; 3],
}

/// Answers 200. There is no authorization endpoint: Gatelet signs in its own users and delegates nothing.
pub fn handle(config: &Config) -> Result<Response, Problem> {
    Ok(Response::json(200, &metadata(&config.issuer))?.cacheable(PUBLISHED_FOR))
}

fn metadata(issuer: &str) -> Metadata<'_> {
    let client_authentication = ["client_secret_basic"];
    Metadata {
        issuer,
        jwks_uri: format!("{issuer}/.well-known/jwks.json"),
        introspection_endpoint: format!("{issuer}/introspect"),
        introspection_endpoint_auth_methods_supported: client_authentication,
        revocation_endpoint: format!("{issuer}/revoke"),
        revocation_endpoint_auth_methods_supported: client_authentication,
        response_types_supported: [],
        grant_types_supported: [],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: Algorithm::ALL,
    }
}

/// What `docs/openapi.json` says of it.
pub(crate) fn operations() -> Vec<Operation> {
    let places = [
        (
            "openidConfiguration",
            "/api/v1/auth/.well-known/openid-configuration",
            "Metadata, where OpenID Connect looks for it",
        ),
        (
            "authorizationServerMetadata",
            "/api/v1/auth/.well-known/oauth-authorization-server",
            "Metadata, below the issuer",
        ),
        (
            "authorizationServerMetadataAtRoot",
            "/.well-known/oauth-authorization-server/api/v1/auth",
            "Metadata, where RFC 8414 puts it",
        ),
    ];
    let operation = |(id, path, summary)| {
        Operation::new(id, HttpMethod::Get, path, "servers")
            .says(summary, "The same document in three places. Cacheable for 300 s.")
            .of_anybody()
            .answers::<Metadata<'_>>(200, "The metadata.", [("metadata", "Of a deployment", example())], CACHEABLE)
    };
    places.map(operation).into()
}

fn example() -> Value {
    json!(metadata(ISSUER))
}
