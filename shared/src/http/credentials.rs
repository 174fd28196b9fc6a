//! What a request presents to say who it is from.

use base64::{Engine, engine::general_purpose::STANDARD};

use utoipa::ToSchema;

use super::{Cookies, Headers, Request};
use crate::{application::Application, problem::Problem, secret::Secret};

/// An access token and the way it came.
pub struct AccessToken {
    text: Secret,
    from_cookie: bool,
}

const CORRUPTED: Problem = Problem::InvalidToken("the access token is corrupted: it may hold A-Z a-z 0-9 . - _ only");

impl AccessToken {
    /// The request's access token, from `Authorization: Bearer` (RFC 6750 §2.1) or the access cookie.
    ///
    /// # Errors
    ///
    /// If there are two that differ, the header is of no use, or a token has characters that none of ours has.
    pub fn in_headers(headers: Headers<'_>, cookies: Cookies) -> Result<Option<Self>, Problem> {
        let bearer = headers.get("authorization").map(|header| bearer(&header)).transpose()?;
        let cookie = cookies.access(headers)?;
        if let (Some(bearer), Some(cookie)) = (&bearer, &cookie)
            && bearer != cookie
        {
            return Err(Problem::InvalidRequest(
                "the Authorization header and the cookie hold different access tokens",
            ));
        }
        let from_cookie = bearer.is_none();
        let Some(text) = bearer.or(cookie) else { return Ok(None) };
        if !text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')) {
            return Err(CORRUPTED);
        }
        Ok(Some(Self { text: Secret::new(text), from_cookie }))
    }

    /// The token's text.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose()
    }

    /// Whether a browser sent it by itself, so that the request may not be the user's own.
    #[must_use]
    pub const fn from_cookie(&self) -> bool {
        self.from_cookie
    }
}

/// The token of an `Authorization` header. The scheme's case does not matter (RFC 9110 §11.1). A comma is what API
/// Gateway makes of a repeated header.
fn bearer(header: &str) -> Result<String, Problem> {
    const AMBIGUOUS: Problem = Problem::InvalidRequest("send one access token, as `Authorization: Bearer <token>`");

    if header.contains([',', '\t']) {
        return Err(AMBIGUOUS);
    }
    let (scheme, token) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Problem::InvalidToken("the Authorization header must be `Bearer <token>`"));
    }
    let token = token.trim();
    if token.contains(' ') {
        return Err(AMBIGUOUS);
    }
    if token.is_empty() { Err(CORRUPTED) } else { Ok(token.to_owned()) }
}

/// A request that presents a refresh token.
#[derive(ToSchema)]
pub struct RefreshRequest {
    /// The refresh token, unless it comes as a cookie.
    #[schema(value_type = Option<String>)]
    refresh_token: Option<Secret>,
}

impl RefreshRequest {
    fn read(request: &Request) -> Result<Self, Problem> {
        let mut members = request.json()?;
        let body = Self { refresh_token: members.optional("refresh_token").map(Secret::new) };
        members.finish()?;
        Ok(body)
    }
}

/// A refresh token and the way it came, from the body (`refresh_token`) or the refresh cookie; `None` without either.
///
/// # Errors
///
/// If there are two that differ, or the body can't be read.
pub fn presented_refresh_token(request: &Request, cookies: Cookies) -> Result<Option<(Secret, bool)>, Problem> {
    let cookie = cookies.refresh(request.headers())?;
    let body = if request.body()?.is_empty() { None } else { RefreshRequest::read(request)?.refresh_token };
    match (body, cookie) {
        (Some(body), Some(cookie)) if body.expose() != cookie => {
            Err(Problem::InvalidRequest("the body and the cookie hold different refresh tokens"))
        }
        (Some(body), _) => Ok(Some((body, false))),
        (None, cookie) => Ok(cookie.map(|cookie| (Secret::new(cookie), true))),
    }
}

/// Refuses requests that a foreign page could have made a browser send: the cookie is no proof of intent. An unsafe one
/// needs an `Origin` on the application's list, and a JSON body or none (forms and `text/plain` need no pre-flight).
///
/// # Errors
///
/// [`Problem::OriginNotAllowed`].
pub fn check_cross_site(request: &Request, application: &Application) -> Result<(), Problem> {
    let allowed = request.header("origin").is_some_and(|origin| application.allows_origin(&origin));
    let needs_preflight = !request.has_body() || request.is_of_type("application/json");
    if !request.is_unsafe() || (allowed && needs_preflight) { Ok(()) } else { Err(Problem::OriginNotAllowed) }
}

/// Name and secret of `Authorization: Basic` (RFC 7617), each form-encoded as RFC 6749 §2.3.1 wants it.
///
/// # Errors
///
/// [`Problem::InvalidClient`] if the header is there and is not of that form.
pub fn basic_credentials(request: &Request) -> Result<Option<(String, Secret)>, Problem> {
    let Some(header) = request.header("authorization") else {
        return Ok(None);
    };
    let read = || {
        let (scheme, encoded) = header.trim().split_once(' ')?;
        let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (name, secret) = decoded.split_once(':')?;
        scheme.eq_ignore_ascii_case("basic").then(|| (form_decode(name), Secret::new(form_decode(secret))))
    };
    read().map(Some).ok_or(Problem::InvalidClient)
}

fn form_decode(text: &str) -> String {
    // A value without a name is the name of an empty value.
    form_urlencoded::parse(text.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authorization_header_holds_one_bearer_token() {
        for (header, token) in
            [("Bearer abc", "abc"), ("bearer abc", "abc"), ("BEARER  abc ", "abc"), ("Bearer a$c", "a$c")]
        {
            assert_eq!(bearer(header).ok().as_deref(), Some(token), "{header}");
        }
        for (header, status) in [
            ("Bearer abc,Bearer def", 400),
            ("Bearer abc, Bearer def", 400),
            ("Bearer abc def", 400),
            ("Bearer\tabc", 400),
            ("Bearer abc\tdef", 400),
            ("Basic YTpi, Bearer abc", 400),
            ("Bearer", 401),
            ("Bearer ", 401),
            ("Basic YTpi", 401),
            ("", 401),
        ] {
            assert_eq!(bearer(header).unwrap_err().entry().status, status, "{header:?}");
        }
    }
}
