//! An application: a client of the API, named by its `Api-Key`.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    api_key::{ApiKey, KeyHash, KeyKind},
    ids::ApplicationId,
    protocol::RefreshPolicy,
    user::Permissions,
    world::Timestamp,
};

/// How an application gets its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenDelivery {
    /// In the response body.
    Body,
    /// In `HttpOnly` cookies and nowhere else, so that no script sees them.
    Cookie,
}

impl fmt::Display for TokenDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Body => "body",
            Self::Cookie => "cookie",
        })
    }
}

/// One of an application's keys, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Publishable or secret.
    pub kind: KeyKind,
    /// What is left of the key.
    pub hash: KeyHash,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An application and its settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application {
    /// The JWT `client_id`.
    pub id: ApplicationId,
    /// A name for people.
    pub name: String,
    /// The JWT `aud` of its access tokens, where it is not the deployment's.
    pub audience: Option<String>,
    /// How long an access token is good for.
    pub access_lifetime: Duration,
    /// The rules for its refresh tokens.
    pub refresh: RefreshPolicy,
    /// How it gets its tokens.
    pub delivery: TokenDelivery,
    /// The origins whose pages may use its cookies (RFC 6454 §6.2, exact).
    pub allowed_origins: Vec<String>,
    /// The addresses that a sign-in at a provider may end at (compared to the letter, as RFC 9700 §2.1 wants it).
    pub allowed_return_to: Vec<String>,
    /// What a new user may do who comes by this application.
    pub default_permissions: Permissions,
    /// When it was made.
    pub created_at: Timestamp,
    /// Its keys, at most [`Application::MAX_KEYS`] of each kind.
    pub keys: Vec<StoredKey>,
}

impl Application {
    /// Keys of one kind that are good at the same time, so that one can be replaced without an outage.
    pub const MAX_KEYS: usize = 2;

    /// The longest that an access token may be good for.
    pub const MAX_ACCESS_LIFETIME: Duration = Duration::from_hours(24);

    /// The longest that a session may last, however often it is refreshed.
    pub const MAX_ABSOLUTE_LIFETIME: Duration = Duration::from_hours(365 * 24);

    /// The settings of a new application: 20 minutes, 72 hours sliding, 30 days absolute, rotating, 30 seconds of
    /// grace (the HTTP API's own time limit, so that every copy of a request falls inside), recovery on.
    #[must_use]
    pub fn new(id: ApplicationId, name: String, now: Timestamp) -> Self {
        Self {
            id,
            name,
            audience: None,
            access_lifetime: Duration::from_mins(20),
            refresh: RefreshPolicy {
                rotation: true,
                grace: Duration::from_secs(30),
                recovery: true,
                idle: Duration::from_hours(72),
                absolute: Duration::from_hours(720),
            },
            delivery: TokenDelivery::Body,
            allowed_origins: Vec::new(),
            allowed_return_to: Vec::new(),
            default_permissions: Permissions::default(),
            created_at: now,
            keys: Vec::new(),
        }
    }

    /// Whether `key` is one of the application's. All are compared, so that time tells nothing.
    #[must_use]
    pub fn accepts(&self, key: &ApiKey) -> bool {
        let matches = |stored: &StoredKey| stored.kind == key.kind() && key.matches(&stored.hash);
        self.keys.iter().filter(|stored| matches(stored)).count() > 0
    }

    /// Whether a page of `origin` may use the application's cookies.
    #[must_use]
    pub fn allows_origin(&self, origin: &str) -> bool {
        self.allowed_origins.iter().any(|allowed| allowed == origin)
    }

    /// Whether a sign-in at a provider may end at `address`.
    #[must_use]
    pub fn allows_return_to(&self, address: &str) -> bool {
        self.allowed_return_to.iter().any(|allowed| allowed == address)
    }

    /// Checks what no type can hold: the rules that settings keep among themselves.
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`] names the setting and the rule.
    pub fn validate(&self) -> Result<(), InvalidSetting> {
        let rules = [
            (!self.name.is_empty() && self.name.chars().count() <= 64, "name", "is 1 to 64 characters"),
            (
                between(self.access_lifetime, Duration::from_mins(1), Self::MAX_ACCESS_LIFETIME),
                "access lifetime",
                "is 1 minute to 1 day",
            ),
            (
                between(self.refresh.absolute, self.refresh.idle, Self::MAX_ABSOLUTE_LIFETIME),
                "absolute lifetime",
                "is at least the idle lifetime and at most 365 days",
            ),
            (self.refresh.idle >= Duration::from_mins(1), "idle lifetime", "is at least 1 minute"),
            (
                self.refresh.idle >= self.access_lifetime,
                "idle lifetime",
                "is at least the access lifetime: a session must not be over before its access token",
            ),
            (
                !self.refresh.recovery || !self.refresh.grace.is_zero(),
                "recovery",
                "needs a grace of at least 1 second: without one, two copies of one request displace each other",
            ),
            (self.refresh.grace <= Duration::from_mins(5), "grace", "is at most 300 seconds"),
            (self.allowed_origins.len() <= 32, "allowed origins", "are at most 32"),
            (
                self.allowed_origins.iter().all(|origin| is_origin(origin)),
                "allowed origin",
                "is scheme://host[:port], in lower case, with no path and no wildcard",
            ),
            (self.allowed_return_to.len() <= 32, "allowed return addresses", "are at most 32"),
            (
                self.allowed_return_to.iter().all(|address| is_return_address(address)),
                "allowed return address",
                "is an https:// URL, an http:// URL on localhost, or a URL of an app's own scheme with a dot in it; without fragment",
            ),
            (self.default_permissions.len() <= Permissions::MAX, "default permissions", "are at most 32"),
            (
                self.audience.as_ref().is_none_or(|audience| (1..=256).contains(&audience.len())),
                "audience",
                "is 1 to 256 bytes",
            ),
        ];
        match rules.into_iter().find(|(holds, ..)| !holds) {
            Some((_, setting, rule)) => Err(InvalidSetting { setting, rule }),
            None => Ok(()),
        }
    }
}

fn between(value: Duration, least: Duration, most: Duration) -> bool {
    (least..=most).contains(&value)
}

/// A setting breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{setting} {rule}")]
pub struct InvalidSetting {
    setting: &'static str,
    rule: &'static str,
}

/// Whether `text` is the serialisation of a web origin (RFC 6454 §6.2). `null` is none: any sandboxed page has it.
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        let default_port = if text.starts_with("https://") { ":443" } else { ":80" };
        !host.is_empty()
            && !host.ends_with(default_port)
            && host.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b':' | b'[' | b']'))
    })
}

/// Whether a browser may be sent to `text` at the end of a sign-in: over TLS, to this machine, or to an app that has registered a
/// scheme of its own, which has the form of a reversed domain name (RFC 8252 §7.1).
fn is_return_address(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let safe = match url.scheme() {
        "https" => true,
        "http" => matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]")),
        scheme => scheme.contains('.'),
    };
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    // What a parser reads into it is what stands there: no other spelling.
    safe && plain && text.len() <= 512 && url.as_str() == text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::System;

    fn application() -> Application {
        Application::new(ApplicationId::random(&System), "example".into(), Timestamp::from_seconds(1))
    }

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(application().validate(), Ok(()));
    }

    #[test]
    fn an_origin_is_compared_exactly() {
        let application = Application { allowed_origins: vec!["https://app.example.com".into()], ..application() };
        assert!(application.allows_origin("https://app.example.com"));
        for other in [
            "https://app.example.com.evil.tld",
            "https://evil-app.example.com",
            "http://app.example.com",
            "https://app.example.com:444",
            "https://app.example.com/",
            "null",
            "",
        ] {
            assert!(!application.allows_origin(other), "{other}");
        }
    }

    #[test]
    fn settings_that_make_no_sense_are_named() {
        for (origin, valid) in [
            ("http://localhost:5173", true),
            ("https://[::1]:8443", true),
            ("null", false),
            ("*", false),
            ("https://*.example.com", false),
            ("https://example.com/", false),
            ("https://Example.com", false),
            ("https://user@example.com", false),
            ("https://example.com:443", false),
            ("http://example.com:80", false),
            ("http://example.com:443", true),
            ("https://", false),
        ] {
            let application = Application { allowed_origins: vec![origin.into()], ..application() };
            assert_eq!(application.validate().is_ok(), valid, "{origin}");
        }
        let refresh = application().refresh;
        for (refresh, setting) in [
            (RefreshPolicy { grace: Duration::ZERO, ..refresh }, Some("recovery")),
            (RefreshPolicy { grace: Duration::ZERO, recovery: false, ..refresh }, None),
            (RefreshPolicy { idle: Duration::from_mins(19), ..refresh }, Some("idle lifetime")),
            (RefreshPolicy { absolute: Duration::from_hours(71), ..refresh }, Some("absolute lifetime")),
        ] {
            let broken = Application { refresh, ..application() }.validate().err();
            assert_eq!(broken.map(|error| error.setting), setting);
        }
        let short = Application { access_lifetime: Duration::from_secs(59), ..application() };
        assert_eq!(short.validate().unwrap_err().to_string(), "access lifetime is 1 minute to 1 day");
    }

    #[test]
    fn only_the_applications_own_keys_are_accepted() {
        let mut application = application();
        let now = Timestamp::from_seconds(1);
        let (text, hash) = ApiKey::generate(KeyKind::Secret, application.id, &System);
        let key = ApiKey::parse(text.expose()).unwrap();
        assert!(!application.accepts(&key));
        application.keys.push(StoredKey { kind: KeyKind::Secret, hash, created_at: now });
        assert!(application.accepts(&key));
    }
}
