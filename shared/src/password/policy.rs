//! Which new passwords are accepted. Signing in never asks the policy: whoever has an older password keeps it.

use unicode_normalization::UnicodeNormalization as _;

use super::{CEILING, Password, common};

/// Bounds of a new password's length, in Unicode code points after NFC. 8 to 256 unless set otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    min_length: usize,
    max_length: usize,
}

/// Why a [`Policy`] cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Below 8 (NIST SP 800-63B-4 §3.1.1.2, ASVS 6.2.1).
    #[error("the minimum password length must be 8 or more")]
    MinimumTooLow,
    /// Below 64 (ASVS 6.2.9) or above 1024.
    #[error("the maximum password length must be 64 to 1024")]
    MaximumOutOfRange,
    /// Nothing would fit.
    #[error("the minimum password length is above the maximum")]
    MinimumAboveMaximum,
}

/// Why a password is refused. The message is meant for the person who chose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Weakness {
    /// Too few code points.
    #[error("must be at least {minimum} characters long")]
    TooShort {
        /// The least number of code points.
        minimum: usize,
    },
    /// Too many code points.
    #[error("must be at most {maximum} characters long")]
    TooLong {
        /// The greatest number of code points.
        maximum: usize,
    },
    /// On the blocklist.
    #[error("is one of the passwords that attackers try first")]
    Common,
    /// A name that an attacker knows, at most with digits and punctuation around it.
    #[error("is derived from your user name, your e-mail address or the name of this service")]
    ContainsIdentity,
}

impl Weakness {
    /// Stable name of the reason, for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TooShort { .. } => "too_short",
            Self::TooLong { .. } => "too_long",
            Self::Common => "common",
            Self::ContainsIdentity => "contains_identity",
        }
    }
}

impl Policy {
    /// A policy from settings, in code points: 8 ≤ `min_length` ≤ `max_length`, 64 ≤ `max_length` ≤ 1024.
    ///
    /// # Errors
    /// The bound that was broken, for whoever made the settings.
    pub fn new(min_length: usize, max_length: usize) -> Result<Self, PolicyError> {
        if min_length < 8 {
            return Err(PolicyError::MinimumTooLow);
        }
        if !(64..=CEILING).contains(&max_length) {
            return Err(PolicyError::MaximumOutOfRange);
        }
        if min_length > max_length {
            return Err(PolicyError::MinimumAboveMaximum);
        }
        Ok(Self { min_length, max_length })
    }

    /// Checks a new password. `context` is what an attacker knows of this account: user name, e-mail address, name of the service.
    ///
    /// # Errors
    /// The first weakness, for the person who chose the password.
    pub fn check(&self, password: &Password, context: &[&str]) -> Result<(), Weakness> {
        if password.is_longer_than(self.max_length) {
            return Err(Weakness::TooLong { maximum: self.max_length });
        }
        if !password.is_longer_than(self.min_length - 1) {
            return Err(Weakness::TooShort { minimum: self.min_length });
        }
        let folded = password.expose().to_lowercase();
        if common::contains(&folded) {
            return Err(Weakness::Common);
        }
        if context.iter().any(|word| is_derived(&folded, word)) {
            return Err(Weakness::ContainsIdentity);
        }
        Ok(())
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self { min_length: 8, max_length: 256 }
    }
}

/// Whether the password is the word, or the part of it before `@`, give or take case and what stands around the letters.
fn is_derived(folded: &str, word: &str) -> bool {
    let word = word.nfc().collect::<String>().to_lowercase();
    let local_part = word.split_once('@').map_or(word.as_str(), |(local_part, _)| local_part);
    [word.as_str(), local_part].into_iter().any(|name| {
        let letters = core(name);
        folded == name || (!letters.is_empty() && core(folded) == letters)
    })
}

/// The text without leading and trailing digits, punctuation, spaces and symbols.
fn core(text: &str) -> &str {
    text.trim_matches(|character: char| !character.is_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), Weakness> {
        let context = ["ada_l", "Ada.Lovelace@example.com", "Gatelet", "r\u{e9}my", "12345@example.com"];
        Policy::default().check(&Password::new(text.to_owned()), &context)
    }

    #[test]
    fn any_uncommon_text_of_the_right_length_is_accepted() {
        for text in [
            "correct horse battery staple",
            "        ",
            "🔑🔑🔑🔑🔑🔑🔑🔑",
            "~!@#%^&*()_+`-=",
            "\u{1}\u{2}\0\n\t\r\u{7f}x",
            "ﷺﷺﷺﷺﷺﷺﷺﷺ",
        ] {
            assert_eq!(check(text), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn length_is_counted_in_code_points_after_normalisation() {
        let too_short = Err(Weakness::TooShort { minimum: 8 });
        let too_long = Err(Weakness::TooLong { maximum: 256 });
        for (length, expected) in
            [(0, too_short), (7, too_short), (8, Ok(())), (256, Ok(())), (257, too_long), (1_000_000, too_long)]
        {
            for unit in ["ж", "🔑", "e\u{301}", "\u{1112}\u{1175}\u{11c2}"] {
                assert_eq!(check(&unit.repeat(length)), expected, "{length} × {unit}");
            }
        }
    }

    #[test]
    fn common_passwords_are_refused_whole_and_in_any_case() {
        for text in ["password", "PassWord1", "QWERTYUIOP", "12345678", "Александр"] {
            assert_eq!(check(text), Err(Weakness::Common), "{text}");
        }
        for text in ["password and more", " password", "password-qx"] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn names_that_an_attacker_knows_are_refused() {
        for text in [
            "ada_l2026!",
            "ADA_L!!!",
            "ada.lovelace",
            "Ada.Lovelace@Example.com",
            "123ada.lovelace",
            "gatelet1",
            "!!Re\u{301}my!!",
            "🔑ré\u{6d}y 1234",
        ] {
            assert_eq!(check(text), Err(Weakness::ContainsIdentity), "{text}");
        }
        for text in ["ada_l and the engine", "lovelace analytical", "gatelet-gatelet", "98765-43210"] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn a_name_without_letters_is_compared_whole() {
        let password = Password::new("5550-1234".to_owned());
        let policy = Policy::default();
        assert_eq!(policy.check(&password, &["5550-1234"]), Err(Weakness::ContainsIdentity));
        assert_eq!(policy.check(&password, &["5550-12345", "", "@", "@example.com"]), Ok(()));
    }

    #[test]
    fn settings_out_of_range_are_refused() {
        for (min, max, expected) in [
            (8, 64, None),
            (15, 256, None),
            (1024, 1024, None),
            (7, 256, Some(PolicyError::MinimumTooLow)),
            (8, 63, Some(PolicyError::MaximumOutOfRange)),
            (8, 1025, Some(PolicyError::MaximumOutOfRange)),
            (65, 64, Some(PolicyError::MinimumAboveMaximum)),
        ] {
            assert_eq!(Policy::new(min, max).err(), expected, "{min} to {max}");
        }
    }

    #[test]
    fn the_settings_are_what_counts() {
        let policy = Policy::new(15, 64).unwrap();
        for (length, expected) in [(14, Some("too_short")), (15, None), (64, None), (65, Some("too_long"))] {
            let weakness = policy.check(&Password::new("ж".repeat(length)), &[]).err().map(Weakness::code);
            assert_eq!(weakness, expected, "{length}");
        }
    }
}
