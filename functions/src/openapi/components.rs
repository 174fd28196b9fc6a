//! What operations refer to: schemas, headers, ways to say who is asking.

use std::collections::{BTreeMap, BTreeSet};

use shared::http::{ErrorFormat, OAuthError, ProblemBody};
use utoipa::{
    ToSchema,
    openapi::{
        Components, Header, HeaderBuilder, Ref, RefOr,
        schema::{ComponentsBuilder, ObjectBuilder, Schema, Type},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use super::Operation;

/// The application's key, of whichever kind.
pub(super) const API_KEY: &str = "apiKey";
/// The application's secret key.
pub(crate) const SECRET_KEY: &str = "secretKey";
/// The application's id and secret key.
pub(crate) const BASIC: &str = "basic";
/// The access token in a header.
pub(crate) const BEARER: &str = "bearer";
/// The access token in a cookie.
pub(crate) const ACCESS_COOKIE: &str = "accessCookie";
/// The refresh token in a cookie.
pub(crate) const REFRESH_COOKIE: &str = "refreshCookie";

pub(super) const CHALLENGE: &str = "WWW-Authenticate";
pub(super) const RETRY_AFTER: &str = "Retry-After";
pub(super) const SET_COOKIE: &str = "Set-Cookie";
pub(super) const LOCATION: &str = "Location";
pub(super) const CACHE_CONTROL: &str = "Cache-Control";

/// Everything that `operations` refer to.
pub(super) fn of(operations: &[Operation]) -> Components {
    let mut schemas = vec![
        (ProblemBody::name().into_owned(), <ProblemBody<'_> as utoipa::PartialSchema>::schema()),
        ("ErrorCode".to_owned(), error_code(operations)),
        (OAuthError::name().into_owned(), <OAuthError as utoipa::PartialSchema>::schema()),
    ];
    ProblemBody::schemas(&mut schemas);
    schemas.extend(operations.iter().flat_map(|operation| operation.schemas.clone()));
    let mut components = schemas
        .into_iter()
        .fold(ComponentsBuilder::new(), |components, (name, schema)| components.schema(name, schema));
    for (name, scheme) in security_schemes() {
        components = components.security_scheme(name, scheme);
    }
    let mut components = components.build();
    let responses = operations.iter().flat_map(Operation::shared_responses);
    components.responses = responses.map(|(name, response)| (name, RefOr::T(response))).collect();
    let examples =
        operations.iter().flat_map(Operation::refusals).map(|refusal| (refusal.example_name(), refusal.example()));
    components.examples = examples.map(|(name, example)| (name, RefOr::T(example))).collect();
    components.headers = headers().into_iter().map(|(name, header)| (name.to_owned(), RefOr::T(header))).collect();
    components
}

/// References to headers of [`of`].
pub(super) fn header_refs<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, RefOr<Header>> {
    let header = |name: &str| (name.to_owned(), RefOr::Ref(Ref::new(format!("#/components/headers/{name}"))));
    names.into_iter().map(header).collect()
}

/// Every code that an operation answers with in `application/problem+json`.
fn error_code(operations: &[Operation]) -> RefOr<Schema> {
    let refusals = operations.iter().flat_map(Operation::refusals);
    let codes: BTreeSet<_> =
        refusals.filter(|refusal| refusal.format == ErrorFormat::Problem).map(|refusal| refusal.code).collect();
    let description = "What went wrong, for programs. A code does not change its meaning; a later version of this document may have more.";
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes)).description(Some(description)).into()
}

fn headers() -> [(&'static str, Header); 5] {
    let text = |description: &str, example: &str| {
        let header = HeaderBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        header.description(Some(description)).example(Some(example.into())).build()
    };
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1));
    let wait = HeaderBuilder::new().schema(Some(seconds)).description(Some("How long to wait, in seconds."));
    [
        (
            CHALLENGE,
            text(
                "How to authenticate (RFC 9110 §11.6.1, RFC 6750 §3).",
                r#"Bearer realm="gatelet", error="invalid_token""#,
            ),
        ),
        (RETRY_AFTER, wait.example(Some(1.into())).build()),
        (
            SET_COOKIE,
            text(
                "A line for each cookie. All are `HttpOnly`, deployed also `Secure`; one that is cleared has `Max-Age=0`.",
                "__Host-access_token=eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJj.MEUCIQ; Path=/; Max-Age=1200; HttpOnly; Secure; SameSite=Lax",
            ),
        ),
        (LOCATION, text("Where the browser goes.", "https://app.example.com/signed-in")),
        (CACHE_CONTROL, text("Whether the answer may be kept.", "public, max-age=300")),
    ]
}

fn security_schemes() -> [(&'static str, SecurityScheme); 6] {
    let api_key = |description| ApiKey::Header(ApiKeyValue::with_description("Api-Key", description));
    let cookie = |name, description| ApiKey::Cookie(ApiKeyValue::with_description(name, description));
    let http = |scheme, description| HttpBuilder::new().scheme(scheme).description(Some(description));
    [
        (
            API_KEY,
            api_key("Names the application: its publishable key `pk_…`, which may stand in a page's source, or its secret key `sk_…`.").into(),
        ),
        (SECRET_KEY, api_key("Proves the application: its secret key `sk_…`.").into()),
        (
            BASIC,
            http(HttpAuthScheme::Basic, "Proves the application: its id as the name, its secret key `sk_…` as the password.").build().into(),
        ),
        (
            BEARER,
            http(HttpAuthScheme::Bearer, "The access token.").bearer_format("JWT").build().into(),
        ),
        (
            ACCESS_COOKIE,
            cookie("__Host-access_token", "The access token as a cookie: `access_token` over plain HTTP on one machine.").into(),
        ),
        (
            REFRESH_COOKIE,
            cookie("__Secure-refresh_token", "The refresh token as a cookie: `refresh_token` over plain HTTP on one machine.").into(),
        ),
    ]
    .map(|(name, scheme): (_, Scheme)| (name, scheme.0))
}

/// Both kinds of scheme as one type.
struct Scheme(SecurityScheme);

impl From<ApiKey> for Scheme {
    fn from(key: ApiKey) -> Self {
        Self(SecurityScheme::ApiKey(key))
    }
}

impl From<utoipa::openapi::security::Http> for Scheme {
    fn from(http: utoipa::openapi::security::Http) -> Self {
        Self(SecurityScheme::Http(http))
    }
}
