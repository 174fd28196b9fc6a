//! Passwords: what is accepted ([`Policy`]) and how it is stored and checked ([`Hasher`]), after NIST SP 800-63B-4 §3.1.1.2 and
//! OWASP ASVS 5 §6.2: length and blocklist, no rules of composition, argon2id in a PHC string.
//!
//! The plaintext ([`Password`]) and the stored form ([`PasswordHash`]) are different types. Neither can be printed, copied or
//! serialised; `expose` is the word to search for.

mod common;
mod hasher;
mod params;
mod pepper;
mod policy;
mod stored;

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

pub use hasher::{HashError, Hasher, Verdict};
pub use params::{Params, ParamsError};
pub use pepper::{PepperError, Peppers};
pub use policy::{Policy, PolicyError, Weakness};
pub use stored::PasswordHash;

/// Most Unicode code points that any [`Policy`] allows. What is longer is never normalised or hashed.
const CEILING: usize = 1024;
/// UTF-8 takes at most this many bytes for a code point (RFC 3629 §3).
const MAX_BYTES_PER_CODE_POINT: usize = 4;
/// No longer input than this comes down to one code point under NFC (a Hangul syllable as three jamo).
const MAX_BYTES_BEFORE_NFC: usize = 9;

/// A plaintext password in NFC, so that "é" is the same password from every keyboard.
#[derive(serde::Deserialize)]
#[serde(from = "String")]
pub struct Password(String);

impl Password {
    /// Normalises `text`, unless it is too long for any policy: then the effort is saved, and [`Password::is_oversize`] holds.
    #[must_use]
    pub fn new(text: String) -> Self {
        if text.len() > CEILING * MAX_BYTES_BEFORE_NFC || unicode_normalization::is_nfc(&text) {
            return Self(text);
        }
        Self(text.nfc().collect())
    }

    /// The plaintext.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether this is longer than any policy allows (1024 code points), so that it cannot be anybody's password.
    #[must_use]
    pub fn is_oversize(&self) -> bool {
        self.is_longer_than(CEILING)
    }

    /// Looks at the bytes first, so that a huge input costs nothing.
    fn is_longer_than(&self, code_points: usize) -> bool {
        self.0.len() > code_points * MAX_BYTES_PER_CODE_POINT || self.0.chars().nth(code_points).is_some()
    }
}

impl From<String> for Password {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_character_are_one_password() {
        for (one, other) in
            [("caf\u{e9}", "cafe\u{301}"), ("\u{212b}", "\u{c5}"), ("\u{ac01}", "\u{1100}\u{1161}\u{11a8}")]
        {
            assert_eq!(Password::new(one.to_owned()).expose(), Password::new(other.to_owned()).expose());
        }
    }

    #[test]
    fn compatibility_forms_stay_different() {
        assert_eq!(Password::new("ﬁＡ²".to_owned()).expose(), "ﬁＡ²");
    }

    #[test]
    fn debug_output_hides_the_text() {
        assert_eq!(format!("{:?}", Some(Password::new("hunter2".to_owned()))), "Some(Password)");
    }

    #[test]
    fn oversize_is_counted_in_code_points_after_normalisation() {
        for unit in ["a", "🔑", "\u{1112}\u{1175}\u{11c2}", "e\u{301}"] {
            assert!(!Password::new(unit.repeat(CEILING)).is_oversize(), "{unit}");
            assert!(Password::new(unit.repeat(CEILING + 1)).is_oversize(), "{unit}");
        }
        assert!(Password::new("e\u{301}".repeat(3_000_000)).is_oversize());
    }

    #[test]
    fn a_request_can_hold_a_password() {
        let password: Password = serde_json::from_str(r#""cafe\u0301""#).unwrap();
        assert_eq!(password.expose(), "café");
    }
}
