//! What an access token says.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// The claims of a verified access token (RFC 9068 §2.2). Times are whole seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The issuer's URL.
    #[serde(rename = "iss")]
    pub issuer: String,
    /// Whom the token is for. A token for several is not accepted.
    #[serde(rename = "aud")]
    pub audience: String,
    /// The user: a UUID that never changes and is never given to anybody else. Use it as your own key.
    #[serde(rename = "sub", deserialize_with = "uuid")]
    pub user_key: String,
    /// The session, a UUID: one sign-in on one device.
    #[serde(rename = "sid", deserialize_with = "uuid")]
    pub session_id: String,
    /// The application that the user signed in with, a UUID.
    #[serde(rename = "client_id", deserialize_with = "uuid")]
    pub application_id: String,
    /// When the token expires.
    #[serde(rename = "exp")]
    pub expires_at: u64,
    /// When it was issued.
    #[serde(rename = "iat")]
    pub issued_at: u64,
    /// From when on it is good.
    #[serde(rename = "nbf")]
    pub not_before: u64,
    /// When the user signed in.
    pub auth_time: u64,
    /// How the user signed in (RFC 8176).
    #[serde(rename = "amr")]
    pub methods: Vec<String>,
    /// The token's own id.
    #[serde(rename = "jti")]
    pub token_id: String,
    /// What the user may do. A token without it allows nothing.
    #[serde(rename = "scope", default)]
    pub scopes: Scopes,
    /// The user's epoch: raising it ends all sessions.
    #[serde(rename = "ep")]
    pub epoch: u64,
}

/// A set of permissions (RFC 6749 §3.3).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct Scopes(BTreeSet<String>);

impl Scopes {
    /// Whether `scope` is one of them, compared exactly.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.contains(scope)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(crate) fn insert(&mut self, scope: String) {
        self.0.insert(scope);
    }

    pub(crate) fn includes(&self, others: &Self) -> bool {
        self.0.is_superset(&others.0)
    }
}

impl From<&str> for Scopes {
    /// From text in which spaces separate them.
    fn from(text: &str) -> Self {
        Self(text.split(' ').filter(|scope| !scope.is_empty()).map(str::to_owned).collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.iter().collect();
        f.write_str(&all.join(" "))
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> Self {
        scopes.to_string()
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::from(String::deserialize(deserializer)?.as_str()))
    }
}

/// A UUID in its one spelling, lower case with hyphens, so that ids can be compared as text.
fn uuid<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    let fits = |(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    if text.len() == 36 && text.bytes().enumerate().all(fits) {
        Ok(text)
    } else {
        Err(D::Error::custom("not a lower-case hyphenated UUID"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_whole_words() {
        let scopes = Scopes::from(" orders:read  orders:write ");
        assert_eq!(scopes.to_string(), "orders:read orders:write");
        assert!(scopes.contains("orders:read"));
        for other in ["orders", "orders:rea", "ORDERS:READ", "", " ", "orders:read orders:write"] {
            assert!(!scopes.contains(other), "{other:?}");
        }
        assert!(scopes.includes(&Scopes::default()) && scopes.includes(&Scopes::from("orders:write")));
        assert!(!scopes.includes(&Scopes::from("orders:write admin")));
    }
}
