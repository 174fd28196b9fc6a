//! Gatelet's endpoints: a module and a Lambda binary each.
//!
//! `src/NAME.rs` is the endpoint and `src/bin/NAME.rs` wires it; [`ROUTES`] says where it answers. A handler takes the
//! stores that it needs and nothing else, so that its parameters read like its IAM policy in `infra/template.yaml`.

pub mod authenticate;
pub mod authorizer;
pub mod discovery;
pub mod identities;
pub mod introspect;
pub mod jwks;
pub mod logout;
pub mod oauth_callback;
pub mod oauth_exchange;
pub mod oauth_start;
pub mod openapi;
pub mod refresh;
pub mod register;
pub mod revoke;
pub mod rotate_keys;
pub mod sessions;
pub mod token_info;
pub mod whoami;

/// Where an endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The function's name: its module, its binary and its event in `events/`.
    pub function: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// The path, with parameters as API Gateway writes them.
    pub path: &'static str,
}

const fn route(function: &'static str, method: &'static str, path: &'static str) -> Route {
    Route { function, method, path }
}

/// Every route. A test holds the template, the events and the README against it. The authorizer and the
/// scheduled `rotate_keys` have none.
pub const ROUTES: [Route; 22] = [
    route("register", "POST", "/api/v1/auth/register"),
    route("authenticate", "POST", "/api/v1/auth/authenticate"),
    route("refresh", "POST", "/api/v1/auth/refresh"),
    route("logout", "DELETE", "/api/v1/auth/logout"),
    route("logout", "POST", "/api/v1/auth/logout"),
    route("token_info", "GET", "/api/v1/auth/token-info"),
    route("whoami", "GET", "/api/v1/auth/whoami"),
    route("jwks", "GET", "/api/v1/auth/.well-known/jwks.json"),
    route("discovery", "GET", "/api/v1/auth/.well-known/openid-configuration"),
    route("discovery", "GET", "/api/v1/auth/.well-known/oauth-authorization-server"),
    route("discovery", "GET", "/.well-known/oauth-authorization-server/api/v1/auth"),
    route("introspect", "POST", "/api/v1/auth/introspect"),
    route("revoke", "POST", "/api/v1/auth/revoke"),
    route("sessions", "GET", "/api/v1/auth/sessions"),
    route("sessions", "DELETE", "/api/v1/auth/sessions"),
    route("sessions", "DELETE", "/api/v1/auth/sessions/{session_id}"),
    route("oauth_start", "GET", "/api/v1/auth/oauth/{provider}"),
    route("oauth_callback", "GET", "/api/v1/auth/oauth/{provider}/callback"),
    route("oauth_exchange", "POST", "/api/v1/auth/oauth/exchange"),
    route("identities", "GET", "/api/v1/auth/identities"),
    route("identities", "POST", "/api/v1/auth/identities"),
    route("identities", "DELETE", "/api/v1/auth/identities/{identity_id}"),
];
