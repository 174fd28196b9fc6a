//! The name a person picks: PRECIS `UsernameCaseMapped` (RFC 8265 §3.3), 3 to 128 Unicode code points.
//!
//! Two spellings of one name must be one account: case, full-width forms and composed or decomposed accents are mapped before
//! the name is stored or looked up. Letters that merely look alike (Latin `a`, Cyrillic `а`) stay different, as the RFC wants;
//! who shows names to other people has to tell them apart. An e-mail address of ASCII letters is a valid name.

use std::fmt;

use precis_profiles::UsernameCaseMapped;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use precis_profiles::precis_core::{
    DerivedPropertyValue, Error as PrecisError, IdentifierClass, StringClass as _, UnexpectedError,
};

/// Fewest code points of a name.
const MIN_LENGTH: usize = 3;
/// Most code points of a name.
const MAX_LENGTH: usize = 128;
/// No input longer than this comes down to one code point under NFC and width mapping (a Hangul syllable as three jamo).
const MAX_BYTES_PER_CODE_POINT: usize = 9;
/// How often the profile may be applied until its output stays the same (RFC 8264 §7).
const MAX_PASSES: usize = 4;

/// A normalised user name: `parse` of what `as_str` returns is the same name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserId(String);

/// Why a name is refused. The message is meant for the person who typed it and never repeats the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserIdError {
    /// Fewer than 3 code points after normalisation.
    #[error("must be at least {MIN_LENGTH} characters long")]
    TooShort,
    /// More than 128 code points after normalisation.
    #[error("must be at most {MAX_LENGTH} characters long")]
    TooLong,
    /// Outside PRECIS `IdentifierClass` (RFC 8264 §4.2): spaces, controls, symbols, emoji, ….
    #[error(
        "must not contain the character U+{code_point:04X} there; use letters, digits and ASCII punctuation without spaces"
    )]
    ForbiddenCharacter {
        /// The Unicode scalar value.
        code_point: u32,
    },
    /// Letters of both writing directions in an order that can be displayed as another name (RFC 5893 §2).
    #[error("must not mix right-to-left with left-to-right characters")]
    MixedDirections,
    /// The mappings of the profile never come to rest on this name (RFC 8264 §7).
    #[error("has no stable normal form")]
    Unstable,
}

impl UserIdError {
    /// Stable name of the reason, for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::ForbiddenCharacter { .. } => "forbidden_character",
            Self::MixedDirections => "mixed_directions",
            Self::Unstable => "unstable",
        }
    }
}

impl UserId {
    /// Normalises `input` and checks it.
    ///
    /// # Errors
    /// The first reason why the name cannot be used, for the person who typed it.
    pub fn parse(input: &str) -> Result<Self, UserIdError> {
        if input.len() > MAX_LENGTH * MAX_BYTES_PER_CODE_POINT {
            return Err(UserIdError::TooLong);
        }
        if input.is_empty() {
            return Err(UserIdError::TooShort);
        }
        let name = enforce(input)?;
        match name.chars().count() {
            ..MIN_LENGTH => Err(UserIdError::TooShort),
            MIN_LENGTH..=MAX_LENGTH => Ok(Self(name)),
            _ => Err(UserIdError::TooLong),
        }
    }

    /// The normalised name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Applies the profile until nothing changes any more: an answer that we return must be a name that we accept.
fn enforce(input: &str) -> Result<String, UserIdError> {
    let mut name = input.to_owned();
    for _ in 0..MAX_PASSES {
        let next = UsernameCaseMapped::enforce(name.as_str()).map_err(|error| reason(error, &name))?.into_owned();
        if next == name {
            return Ok(name);
        }
        name = next;
    }
    Err(UserIdError::Unstable)
}

/// `Invalid` is left for the bidi rule: empty names never reach the profile.
fn reason(error: PrecisError, name: &str) -> UserIdError {
    match error {
        PrecisError::BadCodepoint(info)
        | PrecisError::Unexpected(
            UnexpectedError::ContextRuleNotApplicable(info) | UnexpectedError::MissingContextRule(info),
        ) => UserIdError::ForbiddenCharacter { code_point: info.cp },
        PrecisError::Invalid => UserIdError::MixedDirections,
        PrecisError::Unexpected(_) => contextual(name).map_or(UserIdError::Unstable, |character| {
            UserIdError::ForbiddenCharacter { code_point: character.into() }
        }),
    }
}

/// The first character that is allowed only beside certain others (RFC 8264 §9.1, §9.2). The profile does not name it when it
/// stands at an end, where it has no neighbour.
fn contextual(name: &str) -> Option<char> {
    let class = IdentifierClass::default();
    name.chars().find(|character| {
        let property = class.get_value_from_char(*character);
        matches!(property, DerivedPropertyValue::ContextJ | DerivedPropertyValue::ContextO)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbidden(character: char) -> UserIdError {
        UserIdError::ForbiddenCharacter { code_point: u32::from(character) }
    }

    #[test]
    fn names_are_normalised() {
        for (input, normalised) in [
            ("ada", "ada"),
            ("Ada@Example.COM", "ada@example.com"),
            ("ada.lovelace+test@example.com", "ada.lovelace+test@example.com"),
            ("ＡＤＡ１", "ada1"),
            ("re\u{301}my", "r\u{e9}my"),
            ("R\u{c9}MY", "r\u{e9}my"),
            ("STRAẞE", "straße"),
            ("ΑΔΑ", "αδα"),
            ("АДА", "ада"),
            ("שלום", "שלום"),
            ("l·l", "l·l"),
            ("ｱﾀﾞ\u{30c0}", "アダダ"),
            ("../..", "../.."),
            ("id#x", "id#x"),
        ] {
            assert_eq!(UserId::parse(input).map(|id| id.to_string()), Ok(normalised.to_owned()), "{input}");
        }
    }

    #[test]
    fn look_alikes_stay_different() {
        assert_ne!(UserId::parse("ada").unwrap(), UserId::parse("\u{430}da").unwrap());
        assert_ne!(UserId::parse("strasse").unwrap(), UserId::parse("straße").unwrap());
    }

    #[test]
    fn names_that_cannot_be_are_refused_with_a_reason() {
        for (input, expected) in [
            ("", UserIdError::TooShort),
            ("ab", UserIdError::TooShort),
            ("éé", UserIdError::TooShort),
            ("e\u{301}e\u{301}", UserIdError::TooShort),
            ("ada lovelace", forbidden(' ')),
            (" ada", forbidden(' ')),
            ("ada\u{3000}l", forbidden(' ')),
            ("ada\u{a0}l", forbidden('\u{a0}')),
            ("ada\0", forbidden('\0')),
            ("ada\r\nlevel=info", forbidden('\r')),
            ("ada\u{7f}", forbidden('\u{7f}')),
            ("ada\u{200b}", forbidden('\u{200b}')),
            ("ada\u{202e}", forbidden('\u{202e}')),
            ("ad\u{200d}a", forbidden('\u{200d}')),
            ("ada🔑", forbidden('🔑')),
            ("ada\u{fb01}", forbidden('\u{fb01}')),
            ("ada\u{e000}", forbidden('\u{e000}')),
            ("l·a", forbidden('·')),
            ("·ll", forbidden('·')),
            ("ada\u{200c}", forbidden('\u{200c}')),
            ("adaא", UserIdError::MixedDirections),
            ("אada", UserIdError::MixedDirections),
            ("1אבג", UserIdError::MixedDirections),
        ] {
            assert_eq!(UserId::parse(input), Err(expected), "{input:?}");
        }
    }

    #[test]
    fn length_is_counted_in_code_points_after_normalisation() {
        for (length, expected) in [(2, Some("too_short")), (3, None), (128, None), (129, Some("too_long"))] {
            for unit in ["a", "é", "e\u{301}", "\u{20000}", "Ａ"] {
                let refused = UserId::parse(&unit.repeat(length)).err().map(UserIdError::code);
                assert_eq!(refused, expected, "{length} × {unit}");
            }
        }
        assert_eq!(UserId::parse(&"a".repeat(10_000_000)), Err(UserIdError::TooLong));
    }

    #[test]
    fn parsing_a_name_again_changes_nothing() {
        let is_mapped = |character: &char| {
            character.is_uppercase()
                || matches!(character, '\u{ff00}'..='\u{ffef}')
                || !unicode_normalization::is_nfc(character.encode_utf8(&mut [0; 4]))
        };
        for character in ('\0'..=char::MAX).filter(is_mapped) {
            for input in [format!("{character}{character}{character}"), format!("a{character}\u{301}b")] {
                if let Ok(id) = UserId::parse(&input) {
                    assert_eq!(UserId::parse(id.as_str()), Ok(id), "{input:?}");
                }
            }
        }
    }

    #[test]
    fn the_message_never_repeats_the_name() {
        let error = UserId::parse("secret name").unwrap_err();
        assert_eq!(error.code(), "forbidden_character");
        assert!(error.to_string().contains("U+0020") && !error.to_string().contains("secret"), "{error}");
    }
}
