//! Who somebody is at a provider: an issuer and a subject (OpenID Connect Core §5.7), never an e-mail address, which changes
//! hands.

use std::fmt;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, Serializer};

use crate::world::Timestamp;

/// The longest subject, in bytes (OpenID Connect Core §2 allows 255 ASCII characters).
pub const MAX_SUBJECT: usize = 255;

/// The longest address that mail can be sent to, in bytes (RFC 5321 §4.5.3.1.3 less the angle brackets).
pub const MAX_EMAIL: usize = 254;

/// An identity's id: SHA-256 of issuer and subject, in base64url. The same identity has the same id for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityId(String);

impl IdentityId {
    /// Of `subject` at `issuer`. No issuer has a NUL in it, so that no two pairs are one text.
    #[must_use]
    pub fn of(issuer: &str, subject: &str) -> Self {
        let hash = digest::digest(&digest::SHA256, format!("{issuer}\0{subject}").as_bytes());
        Self(URL_SAFE_NO_PAD.encode(hash))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdentityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for IdentityId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// An e-mail address as a provider tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    /// The address, as it was given.
    pub address: String,
    /// Whether the provider says that it is this person's.
    pub verified: bool,
}

/// What a provider said of somebody who signed in there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assertion {
    /// The provider's name.
    pub provider: String,
    /// Its issuer identifier.
    pub issuer: String,
    /// Who it is there.
    pub subject: String,
    /// An address, if it told one.
    pub email: Option<Email>,
    /// Whether the deployment takes this provider's word for an address.
    pub trusted_for_email: bool,
}

impl Assertion {
    /// The identity's id.
    #[must_use]
    pub fn id(&self) -> IdentityId {
        IdentityId::of(&self.issuer, &self.subject)
    }

    /// The identity, to be kept from `now` on.
    #[must_use]
    pub fn link(&self, now: Timestamp) -> LinkedIdentity {
        LinkedIdentity {
            provider: self.provider.clone(),
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            email: self.email.as_ref().map(|email| email.address.clone()),
            vouched: self.verified_email().is_some(),
            linked_at: now,
        }
    }

    /// The address, if the provider vouches for it and its word is taken.
    #[must_use]
    pub fn verified_email(&self) -> Option<&str> {
        let email = self.email.as_ref().filter(|email| email.verified && self.trusted_for_email);
        email.map(|email| email.address.as_str())
    }
}

/// An identity that signs a user in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedIdentity {
    /// The provider's name when it was linked.
    pub provider: String,
    /// Its issuer identifier.
    pub issuer: String,
    /// Who the user is there.
    pub subject: String,
    /// The address that it told then, for people to tell identities apart.
    pub email: Option<String>,
    /// Whether its word for that address was taken.
    pub vouched: bool,
    /// Since when.
    pub linked_at: Timestamp,
}

impl LinkedIdentity {
    /// The identity's id.
    #[must_use]
    pub fn id(&self) -> IdentityId {
        IdentityId::of(&self.issuer, &self.subject)
    }
}

/// Whether two addresses are one. Letters that look alike, or that some language takes for others, are not: only ASCII has no case.
#[must_use]
pub fn is_same_address(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Whether `email` could be an address: one `@` with something on both sides, no white space, and no longer than mail allows.
#[must_use]
pub fn is_address(email: &str) -> bool {
    let parts = email.rsplit_once('@');
    email.len() <= MAX_EMAIL
        && !email.chars().any(|c| c.is_whitespace() || c.is_control())
        && parts.is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_told_by_both_its_parts() {
        let id = IdentityId::of("https://one.example", "1");
        assert_eq!(id, IdentityId::of("https://one.example", "1"));
        assert_ne!(id, IdentityId::of("https://one.example", "2"));
        assert_ne!(id, IdentityId::of("https://two.example", "1"));
        assert_ne!(IdentityId::of("https://one.example/", "1"), IdentityId::of("https://one.example", "/1"));
    }

    #[test]
    fn only_ascii_has_no_case() {
        assert!(is_same_address("Mike@Example.com", "mike@example.com"));
        assert!(!is_same_address("mi\u{212a}e@example.com", "mike@example.com"), "the Kelvin sign");
        assert!(!is_same_address("m\u{131}ke@example.com", "mike@example.com"));
    }

    #[test]
    fn an_address_has_two_sides() {
        for (email, valid) in [
            ("ada@example.com", true),
            ("ada+test@example.com", true),
            ("ада@пример.рф", true),
            ("ada", false),
            ("@example.com", false),
            ("ada@", false),
            ("ada @example.com", false),
            ("ada@example.com\r\nBcc: eve@example.com", false),
            (&format!("{}@example.com", "a".repeat(250)), false),
        ] {
            assert_eq!(is_address(email), valid, "{email}");
        }
    }
}
