//! The API as an OpenAPI 3.1 document: `docs/openapi.json`, and what `gatelet openapi` prints.
//!
//! Each endpoint describes its operations beside its handler, with the types that it reads and answers. Here they are put
//! together. Nothing of this runs in a function: no binary reaches it, and the linker leaves it out.

mod components;
mod examples;
mod operation;
mod refusals;
#[cfg(test)]
mod tests;

use utoipa::openapi::{
    Info, InfoBuilder, License, OpenApi, OpenApiBuilder, PathsBuilder, ServerBuilder, tag::TagBuilder,
};

pub(crate) use components::{ACCESS_COOKIE, BASIC, BEARER, REFRESH_COOKIE, SECRET_KEY};
pub(crate) use examples::*;
pub(crate) use operation::{CACHEABLE, Operation, SETS_COOKIES};

use crate::{
    authenticate, discovery, identities, introspect, jwks, logout, oauth_callback, oauth_exchange, oauth_start,
    refresh, register, revoke, sessions, token_info, whoami,
};

const DESCRIPTION: &str = "\
Registers users, signs them in, and hands out short-lived access tokens and rotating refresh tokens. `docs/api.md` has the rules in prose.

**Application.** Every request names its application with `Api-Key`. Without it the deployment's default application serves the request, if \
there is one.

**Cookies.** Deployed, they are named `__Host-access_token`, `__Secure-refresh_token` and `__Secure-device_token`; over plain HTTP on one machine \
`access_token`, `refresh_token` and `device_token`, since browsers refuse the prefixes there. `POST` and `DELETE` with a cookie need an `Origin` that the \
application allows, and a body that is JSON or empty.

**Bodies** are JSON objects. A member that is not listed is ignored, and `null` is the same as absent. New members may be added to answers.

**Headers.** Every answer carries `Cache-Control: no-store` (keys and metadata: `public, max-age=300`), `Vary: Origin`, `X-Content-Type-Options: nosniff`, \
`Strict-Transport-Security`, `Referrer-Policy: no-referrer` and a `Content-Security-Policy` that allows nothing.

**Errors** are `application/problem+json` with a stable `code`, except where an OAuth RFC says otherwise. API Gateway's own answers are neither: \
404 for an unknown path or method, 413 for a body over 10 MB, 431 for too many headers, 500 and 503 when a function fails or is too slow. They are \
`{\"message\": \"Not Found\"}` and the like, and have none of these headers.";

/// The groups, in the order in which they are read.
const TAGS: [(&str, &str); 6] = [
    ("accounts", "Accounts."),
    ("tokens", "Signing in, and what comes of it until signing out."),
    ("identity", "Who a token is of."),
    ("sessions", "The user's own sessions: a session is one sign-in on one device."),
    ("providers", "Signing in at a provider, such as Google. `docs/providers.md` has the whole of it."),
    ("servers", "For servers: what OAuth's RFCs define, and the public keys."),
];

/// The document.
#[must_use]
pub fn document() -> OpenApi {
    let operations = operations();
    let components = components::of(&operations);
    let paths = operations.into_iter().fold(PathsBuilder::new(), |paths, operation| {
        let (path, item) = operation.into_item();
        paths.path(path, item)
    });
    let tag = |(name, description)| TagBuilder::new().name(name).description(Some(description)).build();
    let server = ServerBuilder::new()
        .url("/")
        .description(Some("Where the deployment answers: `cargo dev` or the stack's output `BaseUrl`."));
    OpenApiBuilder::new()
        .info(info())
        .servers(Some([server.build()]))
        .paths(paths)
        .components(Some(components))
        .tags(Some(TAGS.map(tag)))
        .build()
}

/// The document as `docs/openapi.json` holds it.
///
/// # Errors
///
/// If it can't be written as JSON.
pub fn text() -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(&document())? + "\n")
}

fn info() -> Info {
    let mut license = License::new("MIT OR Apache-2.0");
    license.identifier = Some("MIT OR Apache-2.0".to_owned());
    InfoBuilder::new()
        .title("Gatelet")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(license))
        .build()
}

/// What each endpoint says of itself.
fn operations() -> Vec<Operation> {
    let endpoints = [
        register::operations(),
        authenticate::operations(),
        refresh::operations(),
        logout::operations(),
        token_info::operations(),
        whoami::operations(),
        jwks::operations(),
        discovery::operations(),
        introspect::operations(),
        revoke::operations(),
        sessions::operations(),
        oauth_start::operations(),
        oauth_callback::operations(),
        oauth_exchange::operations(),
        identities::operations(),
    ];
    endpoints.into_iter().flatten().collect()
}
