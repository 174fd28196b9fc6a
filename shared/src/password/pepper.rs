//! Peppers: secrets outside the table that go into every hash (argon2's secret value, RFC 9106 §3.1; NIST SP 800-63B-4 §3.1.1.2),
//! so that a stolen table alone cannot be attacked. Optional. To rotate, put a new one in front and keep the old ones.

use std::fmt;
use std::str::FromStr;

use argon2::KeyId;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Fewest bytes of a pepper (112 bits are the least of SP 800-63B-4; 256 cost nothing).
const MIN_SECRET_BYTES: usize = 32;

/// The deployment's peppers, newest first; none by default. Parsed from `id:base64[,id:base64]`.
#[derive(Default)]
pub struct Peppers(Vec<Pepper>);

struct Pepper {
    id: KeyId,
    secret: Vec<u8>,
}

/// What is wrong with the setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PepperError {
    /// Not `id:base64[,id:base64]`.
    #[error("peppers must be given as id:base64[,id:base64], newest first")]
    Malformed,
    /// Identifiers stand in every hash.
    #[error("a pepper's id must be 1 to 8 ASCII letters, digits, '-' or '_'")]
    BadId,
    /// One id for two peppers.
    #[error("two peppers have the same id")]
    DuplicateId,
    /// Easy to guess.
    #[error("a pepper must be at least {MIN_SECRET_BYTES} bytes long")]
    TooShort,
}

impl Peppers {
    /// The identifier for new hashes.
    pub(super) fn newest_id(&self) -> Option<KeyId> {
        self.0.first().map(|pepper| pepper.id)
    }

    /// The secret of a hash with this identifier. No identifier: the hash was made without pepper.
    pub(super) fn secret(&self, id: &[u8]) -> Option<&[u8]> {
        if id.is_empty() {
            return Some(&[]);
        }
        self.0.iter().find(|pepper| pepper.id.as_bytes() == id).map(|pepper| pepper.secret.as_slice())
    }
}

#[cfg(test)]
impl Peppers {
    /// One of any length, as published vectors have them.
    pub(super) fn of_vector(id: KeyId, secret: &[u8]) -> Self {
        Self(vec![Pepper { id, secret: secret.to_vec() }])
    }
}

impl FromStr for Peppers {
    type Err = PepperError;

    fn from_str(setting: &str) -> Result<Self, PepperError> {
        let mut peppers = Self::default();
        for entry in setting.split(',') {
            let pepper: Pepper = entry.trim().parse()?;
            if peppers.secret(pepper.id.as_bytes()).is_some() {
                return Err(PepperError::DuplicateId);
            }
            peppers.0.push(pepper);
        }
        Ok(peppers)
    }
}

impl FromStr for Pepper {
    type Err = PepperError;

    fn from_str(entry: &str) -> Result<Self, PepperError> {
        let (id, secret) = entry.split_once(':').ok_or(PepperError::Malformed)?;
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
            return Err(PepperError::BadId);
        }
        let id = KeyId::new(id.as_bytes()).map_err(|_| PepperError::BadId)?;
        let secret = STANDARD.decode(secret).map_err(|_| PepperError::Malformed)?;
        if secret.len() < MIN_SECRET_BYTES {
            return Err(PepperError::TooShort);
        }
        Ok(Self { id, secret })
    }
}

impl fmt::Debug for Peppers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Peppers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    #[test]
    fn the_first_pepper_is_the_newest() {
        let peppers: Peppers = format!("k2:{SECRET}, k1:{SECRET}").parse().unwrap();
        assert_eq!(peppers.newest_id().unwrap().as_bytes(), b"k2");
        assert_eq!(peppers.secret(b"k1").map(<[u8]>::len), Some(32));
        assert_eq!(peppers.secret(b"k0"), None);
        assert_eq!(format!("{peppers:?}"), "Peppers");
    }

    #[test]
    fn bad_settings_are_refused_without_repeating_them() {
        let short = STANDARD.encode([0; 31]);
        for (setting, expected) in [
            (String::new(), PepperError::Malformed),
            (SECRET.to_owned(), PepperError::Malformed),
            (format!("k1:{SECRET},"), PepperError::Malformed),
            (format!("k1:{SECRET}x"), PepperError::Malformed),
            (format!(":{SECRET}"), PepperError::BadId),
            (format!("k 1:{SECRET}"), PepperError::BadId),
            (format!("ninebytes:{SECRET}"), PepperError::BadId),
            (format!("k1:{short}"), PepperError::TooShort),
            (format!("k1:{SECRET},k1:{SECRET}"), PepperError::DuplicateId),
        ] {
            assert_eq!(setting.parse::<Peppers>().err(), Some(expected), "{setting}");
            assert!(!expected.to_string().contains(SECRET));
        }
    }
}
