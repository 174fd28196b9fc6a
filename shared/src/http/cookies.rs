//! The cookies (RFC 6265bis).

use std::time::Duration;

use super::Headers;
use crate::{
    flow::{FLOW_LIFETIME, Ticket},
    issuer::Tokens,
    problem::Problem,
};

/// How long a browser keeps the device cookie: as long as the key that sealed it is sure to be kept.
const DEVICE_LIFETIME: Duration = Duration::from_hours(365 * 24);

/// Flows that a browser may have begun at the same time.
const MAX_FLOWS: usize = 8;

/// Names and attributes of the cookies: with prefixes and `Secure`, or without over plain-HTTP local development, where
/// browsers refuse both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookies {
    secure: bool,
}

impl Cookies {
    /// Cookies of a deployment that is reached over HTTPS, or not.
    #[must_use]
    pub const fn new(secure: bool) -> Self {
        Self { secure }
    }

    const fn access_name(self) -> &'static str {
        if self.secure { "__Host-access_token" } else { "access_token" }
    }

    const fn refresh_name(self) -> &'static str {
        if self.secure { "__Secure-refresh_token" } else { "refresh_token" }
    }

    const fn flow_prefix(self) -> &'static str {
        if self.secure { "__Host-oauth_" } else { "oauth_" }
    }

    /// A name for each flow, so that two in one browser do not disturb each other.
    fn flow_name(self, state: &Ticket) -> String {
        let id: String = state.hashed().as_str().chars().take(16).collect();
        format!("{}{id}", self.flow_prefix())
    }

    const fn device_name(self) -> &'static str {
        if self.secure { "__Secure-device_token" } else { "device_token" }
    }

    /// The line that sets the access cookie. It goes to every path, since the team's own routes read it too.
    #[must_use]
    pub fn set_access(self, token: &str, lifetime: Duration) -> String {
        self.line(self.access_name(), token, "/", "Lax", lifetime)
    }

    /// The line that sets the refresh cookie. Only this API ever sees it.
    #[must_use]
    pub fn set_refresh(self, token: &str, lifetime: Duration) -> String {
        self.line(self.refresh_name(), token, "/api/v1/auth", "Strict", lifetime)
    }

    /// The line that sets the device cookie, which only a sign-in ever sees. It outlives sessions.
    #[must_use]
    pub fn set_device(self, token: &str) -> String {
        self.line(self.device_name(), token, "/api/v1/auth/authenticate", "Strict", DEVICE_LIFETIME)
    }

    /// The line that sets the secret of the flow `state` (RFC 6749 §10.12), without which that sign-in at a provider is not finished. `Lax`,
    /// since the provider sends the browser back from another site; for every path, since only then the prefix keeps a neighbouring host
    /// from planting one.
    #[must_use]
    pub fn set_flow(self, state: &Ticket, secret: &Ticket) -> String {
        self.line(&self.flow_name(state), secret.expose(), "/", "Lax", FLOW_LIFETIME)
    }

    /// The line that clears it.
    #[must_use]
    pub fn clear_flow(self, state: &Ticket) -> String {
        self.line(&self.flow_name(state), "", "/", "Lax", Duration::ZERO)
    }

    /// The lines that clear the secrets of all flows of a browser that has begun more than a person does: they must not fill the headers
    /// of its requests.
    #[must_use]
    pub fn clear_crowd(self, headers: Headers<'_>) -> Vec<String> {
        let header = headers.get("cookie").unwrap_or_default();
        let names: Vec<_> =
            pairs(&header).map(|(name, _)| name).filter(|name| name.starts_with(self.flow_prefix())).collect();
        let crowd = if names.len() < MAX_FLOWS { &[] } else { names.as_slice() };
        crowd.iter().map(|name| self.line(name, "", "/", "Lax", Duration::ZERO)).collect()
    }

    /// The lines that hand out `tokens`, each in its cookie.
    #[must_use]
    pub fn set(self, tokens: &Tokens) -> Vec<String> {
        let mut lines = vec![self.set_access(tokens.access.expose(), tokens.access_lifetime)];
        lines.extend(tokens.refresh.as_ref().map(|(token, lifetime)| self.set_refresh(token.expose(), *lifetime)));
        lines.extend(tokens.device.as_ref().map(|token| self.set_device(token.expose())));
        lines
    }

    /// The lines that clear both tokens. Only a definite end of the session may do this.
    #[must_use]
    pub fn clear(self) -> [String; 2] {
        [self.set_access("", Duration::ZERO), self.set_refresh("", Duration::ZERO)]
    }

    fn line(self, name: &str, value: &str, path: &str, same_site: &str, lifetime: Duration) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        let max_age = lifetime.as_secs();
        format!("{name}={value}; Path={path}; Max-Age={max_age}; HttpOnly{secure}; SameSite={same_site}")
    }

    /// The access cookie of a request.
    ///
    /// # Errors
    ///
    /// If it is there twice with different values.
    pub fn access(self, headers: Headers<'_>) -> Result<Option<String>, Problem> {
        find(headers.get("cookie").as_deref().unwrap_or_default(), self.access_name())
    }

    /// The refresh cookie of a request.
    ///
    /// # Errors
    ///
    /// If it is there twice with different values.
    pub fn refresh(self, headers: Headers<'_>) -> Result<Option<String>, Problem> {
        find(headers.get("cookie").as_deref().unwrap_or_default(), self.refresh_name())
    }

    /// The secret of the flow `state`, if there is one and only one.
    #[must_use]
    pub fn flow(self, headers: Headers<'_>, state: &Ticket) -> Option<Ticket> {
        let header = headers.get("cookie").unwrap_or_default();
        find(&header, &self.flow_name(state)).ok().flatten().and_then(|text| Ticket::parse(&text))
    }

    /// All device cookies of a request: which one is ours is told by its seal.
    #[must_use]
    pub fn devices(self, headers: Headers<'_>) -> Vec<String> {
        let header = headers.get("cookie").unwrap_or_default();
        values(&header, self.device_name()).map(str::to_owned).collect()
    }
}

/// Names and values in a `Cookie` header. White space is what RFC 6265bis §5.7 calls so: with any of Unicode's, a neighbouring host could
/// plant a cookie whose name has a prefix for us and none for the browser.
fn pairs(header: &str) -> impl Iterator<Item = (&str, &str)> {
    header.split(';').filter_map(|pair| pair.trim_matches([' ', '\t']).split_once('='))
}

/// The values of `name` in a `Cookie` header.
fn values<'a>(header: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    pairs(header)
        .filter(move |(found, _)| *found == name)
        .map(|(_, value)| value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value))
}

/// The value of `name` in a `Cookie` header. Two different values are refused: which one a browser or a proxy put first
/// is nothing to build on. An empty value is a cleared cookie.
fn find(header: &str, name: &str) -> Result<Option<String>, Problem> {
    let mut values = values(header, name);
    let Some(first) = values.next() else { return Ok(None) };
    if values.any(|other| other != first) {
        return Err(Problem::InvalidRequest("a cookie is there twice with different values"));
    }
    Ok((!first.is_empty()).then(|| first.to_owned()))
}

#[cfg(test)]
mod tests {
    use lambda_http::http::{HeaderMap, HeaderValue, header};

    use super::*;
    use crate::world::System;

    #[test]
    fn a_cookie_is_found_whatever_surrounds_it() {
        for (header, found) in [
            ("", None),
            ("rt=a", Some("a")),
            ("x=1; rt=a; y=2", Some("a")),
            ("x=1;rt=a;y=2", Some("a")),
            ("rt=\"a\"", Some("a")),
            ("rt=a; rt=a", Some("a")),
            ("rt=a=b", Some("a=b")),
            ("xrt=a; rt2=b", None),
            ("RT=a", None),
            ("rt", None),
            ("rt=", None),
            (";;; =; rt=a;", Some("a")),
            ("x=1;\trt=a", Some("a")),
            ("\u{2000}rt=a", None),
            ("\u{a0}rt=a", None),
            ("\u{85}rt=a", None),
            ("\u{b}rt=a", None),
        ] {
            assert_eq!(find(header, "rt").unwrap().as_deref(), found, "{header}");
        }
        let many = (0..100).map(|n| format!("c{n}=v")).collect::<Vec<_>>().join("; ");
        assert_eq!(find(&format!("{many}; rt=a"), "rt").unwrap().as_deref(), Some("a"));
    }

    #[test]
    fn two_values_for_one_name_are_refused() {
        assert!(find("rt=a; rt=b", "rt").is_err());
    }

    #[test]
    fn the_attributes_follow_the_scheme() {
        let hour = Duration::from_hours(1);
        assert_eq!(
            Cookies::new(true).set_access("t", hour),
            "__Host-access_token=t; Path=/; Max-Age=3600; HttpOnly; Secure; SameSite=Lax"
        );
        assert_eq!(
            Cookies::new(true).set_refresh("t", hour),
            "__Secure-refresh_token=t; Path=/api/v1/auth; Max-Age=3600; HttpOnly; Secure; SameSite=Strict"
        );
        assert_eq!(
            Cookies::new(true).set_device("t"),
            "__Secure-device_token=t; Path=/api/v1/auth/authenticate; Max-Age=31536000; HttpOnly; Secure; SameSite=Strict"
        );
        assert_eq!(
            Cookies::new(false).clear(),
            [
                "access_token=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax",
                "refresh_token=; Path=/api/v1/auth; Max-Age=0; HttpOnly; SameSite=Strict"
            ]
        );
    }

    #[test]
    fn a_flow_has_a_cookie_of_its_own_that_no_script_and_no_neighbour_sets() {
        let [state, other, secret] = [(); 3].map(|()| Ticket::random(&System));
        let id: String = state.hashed().as_str().chars().take(16).collect();
        let value = secret.expose();
        assert_eq!(
            Cookies::new(true).set_flow(&state, &secret),
            format!("__Host-oauth_{id}={value}; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax")
        );
        assert_eq!(
            Cookies::new(false).set_flow(&state, &secret),
            format!("oauth_{id}={value}; Path=/; Max-Age=600; HttpOnly; SameSite=Lax")
        );
        assert_eq!(
            Cookies::new(true).clear_flow(&state),
            format!("__Host-oauth_{id}=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax")
        );
        assert_ne!(Cookies::new(true).clear_flow(&state), Cookies::new(true).clear_flow(&other));
    }

    #[test]
    fn a_crowd_of_flows_is_cleared() {
        let cookies = Cookies::new(false);
        let cleared = |count: usize| {
            let header = (0..count).map(|n| format!("oauth_{n}=x")).collect::<Vec<_>>().join("; ");
            let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(&header).unwrap())]);
            cookies.clear_crowd(Headers(&headers)).len()
        };
        assert_eq!([0, 1, MAX_FLOWS - 1, MAX_FLOWS].map(cleared), [0, 0, 0, MAX_FLOWS]);
    }
}
