//! The access token of a request.

use http::{
    HeaderMap, HeaderName, Method,
    header::{AUTHORIZATION, COOKIE, ORIGIN},
};

use crate::refusal::Refusal;

/// When a browser's cookie is taken for a credential.
#[derive(Debug, Clone)]
pub(crate) struct CookiePolicy {
    pub(crate) name: &'static str,
    /// Pages that may make a browser change something.
    pub(crate) origins: Vec<String>,
}

impl CookiePolicy {
    /// The cookie's name: over plain HTTP, on a developer's machine, browsers refuse the real one.
    pub(crate) fn new(secure: bool, origins: Vec<String>) -> Self {
        Self { name: if secure { "__Host-access_token" } else { "access_token" }, origins }
    }

    /// Refuses what a foreign page could have made a browser send: its cookie is no proof of intent.
    fn check_origin(&self, method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut origins = headers.get_all(ORIGIN).iter();
        let allowed = |origin: &http::HeaderValue| self.origins.iter().any(|allowed| origin == allowed.as_str());
        let one = origins.next().is_some_and(allowed) && origins.next().is_none();
        if method.is_safe() || one { Ok(()) } else { Err(Refusal::OriginNotAllowed) }
    }
}

/// The access token that a request presents, in `Authorization: Bearer` (RFC 6750 §2.1) or, if there is a policy for it, in the cookie.
pub(crate) fn access_token<B>(
    request: &http::Request<B>,
    cookies: Option<&CookiePolicy>,
) -> Result<Option<String>, Refusal> {
    let headers = request.headers();
    if has_token_in(request.uri().query().unwrap_or_default()) {
        return Err(Refusal::InvalidRequest("an access token does not belong into the address"));
    }
    let bearer = bearer(headers)?;
    let cookie = cookies.map(|policy| cookie(headers, policy.name)).transpose()?.flatten();
    let token = match (bearer, cookie, cookies) {
        (Some(bearer), Some(cookie), _) if bearer != cookie => {
            return Err(Refusal::InvalidRequest(
                "the Authorization header and the cookie hold different access tokens",
            ));
        }
        // No foreign page can set the header.
        (Some(bearer), ..) => bearer,
        (None, Some(cookie), Some(policy)) => {
            policy.check_origin(request.method(), headers)?;
            cookie
        }
        (None, ..) => return Ok(None),
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if token.bytes().all(fits) { Ok(Some(token)) } else { Err(Refusal::InvalidToken) }
}

/// Where logs would have it (RFC 9700 §4.3.2).
fn has_token_in(query: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "access_token")
}

/// The value of a header that may be there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName, ambiguous: Refusal) -> Result<Option<&'a [u8]>, Refusal> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().map(http::HeaderValue::as_bytes);
    if values.next().is_some() { Err(ambiguous) } else { Ok(value) }
}

fn bearer(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    const AMBIGUOUS: Refusal = Refusal::InvalidRequest("send one access token, as `Authorization: Bearer <token>`");

    let Some(header) = only(headers, &AUTHORIZATION, AMBIGUOUS)? else { return Ok(None) };
    // A comma is what gateways make of a repeated header.
    if header.contains(&b',') || header.contains(&b'\t') {
        return Err(AMBIGUOUS);
    }
    let header = std::str::from_utf8(header).map_err(|_| Refusal::InvalidToken)?.trim();
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    let token = token.trim();
    if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
        return Err(Refusal::InvalidToken);
    }
    if token.contains(' ') { Err(AMBIGUOUS) } else { Ok(Some(token.to_owned())) }
}

/// The value of a cookie; an empty one is a cookie that was cleared. Two that differ are refused: which of them a browser put first is nothing to
/// build on.
fn cookie(headers: &HeaderMap, name: &str) -> Result<Option<String>, Refusal> {
    let lines = headers.get_all(COOKIE).iter().map(|line| String::from_utf8_lossy(line.as_bytes()));
    let mut found: Option<String> = None;
    for line in lines {
        let pairs = line.split(';').filter_map(|pair| pair.trim().split_once('='));
        for (_, value) in pairs.filter(|(found, _)| *found == name) {
            let value = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
            if found.as_ref().is_some_and(|other| other != value) {
                return Err(Refusal::InvalidRequest("a cookie is there twice with different values"));
            }
            found = Some(value.to_owned());
        }
    }
    Ok(found.filter(|value| !value.is_empty()))
}

#[cfg(test)]
#[path = "credential_tests.rs"]
mod tests;
