//! API keys: how an application names itself (`pk_…`) and proves itself (`sk_…`).
//!
//! A key is `pk_` or `sk_`, then base64url of `application id (16 bytes) ‖ secret (32 bytes) ‖ checksum (4 bytes)`.
//! The application's id makes looking a key up one read of one item; the checksum, over the prefix too, turns a typo
//! away without any read. Only the SHA-256 of a key is stored: with 256 random bits in it there is nothing to stretch.

use std::fmt::{self, Write};

use aws_lc_rs::{constant_time, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{ids::ApplicationId, secret::Secret, world::World};

const ID: usize = 16;
const SECRET: usize = 32;
const CHECKSUM: usize = 4;

/// Which of the two kinds a key is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyKind {
    /// `pk_…`: names the application and is no secret. It may stand in a page's source.
    Publishable,
    /// `sk_…`: names and authenticates the application.
    Secret,
}

impl KeyKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Publishable => "pk_",
            Self::Secret => "sk_",
        }
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Publishable => "publishable",
            Self::Secret => "secret",
        })
    }
}

/// A key that is well formed and says which application it is for. Whether it is that application's key, only
/// the stored [`KeyHash`] tells.
pub struct ApiKey {
    kind: KeyKind,
    application_id: ApplicationId,
    hash: KeyHash,
}

/// The text is no API key: wrong prefix, length or checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an API key")]
pub struct MalformedKey;

impl ApiKey {
    /// Reads a key, without any look-up.
    ///
    /// # Errors
    ///
    /// [`MalformedKey`] for anything that [`ApiKey::generate`] can't have made, typing errors included.
    pub fn parse(text: &str) -> Result<Self, MalformedKey> {
        let kind = [KeyKind::Publishable, KeyKind::Secret]
            .into_iter()
            .find(|kind| text.starts_with(kind.prefix()))
            .ok_or(MalformedKey)?;
        let mut bytes = [0; ID + SECRET + CHECKSUM];
        let length =
            URL_SAFE_NO_PAD.decode_slice(&text[kind.prefix().len()..], &mut bytes).map_err(|_| MalformedKey)?;
        let (payload, check) = bytes.split_at(ID + SECRET);
        if length != bytes.len() || checksum(kind, payload) != check {
            return Err(MalformedKey);
        }
        let id = payload.first_chunk().ok_or(MalformedKey)?;
        Ok(Self { kind, application_id: ApplicationId::from_bytes(*id), hash: KeyHash::of(text) })
    }

    /// Makes a new key and what is to be stored of it. The text is shown once and is not kept.
    #[must_use]
    pub fn generate(kind: KeyKind, application_id: ApplicationId, world: &impl World) -> (Secret, KeyHash) {
        let mut payload = Vec::with_capacity(ID + SECRET + CHECKSUM);
        payload.extend_from_slice(application_id.as_bytes());
        payload.extend_from_slice(&world.random::<SECRET>());
        let check = checksum(kind, &payload);
        payload.extend_from_slice(&check);

        let text = format!("{}{}", kind.prefix(), URL_SAFE_NO_PAD.encode(payload));
        let hash = KeyHash::of(&text);
        (Secret::new(text), hash)
    }

    /// The kind that the key's prefix states.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The application that the key claims to be of.
    #[must_use]
    pub const fn application_id(&self) -> ApplicationId {
        self.application_id
    }

    /// Whether this is the key that was stored as `stored`.
    #[must_use]
    pub fn matches(&self, stored: &KeyHash) -> bool {
        self.hash == *stored
    }
}

fn checksum(kind: KeyKind, payload: &[u8]) -> [u8; CHECKSUM] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(kind.prefix().as_bytes());
    context.update(payload);
    let mut check = [0; CHECKSUM];
    check.copy_from_slice(&context.finish().as_ref()[..CHECKSUM]);
    check
}

/// The stored form of a key: its SHA-256.
#[derive(Clone, Eq)]
pub struct KeyHash([u8; digest::SHA256_OUTPUT_LEN]);

impl PartialEq for KeyHash {
    /// In constant time, whoever compares.
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl KeyHash {
    fn of(text: &str) -> Self {
        let mut hash = [0; digest::SHA256_OUTPUT_LEN];
        hash.copy_from_slice(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
        Self(hash)
    }

    /// The hash in hexadecimal, as it is stored.
    #[must_use]
    pub fn to_hex(&self) -> String {
        self.0.iter().fold(String::with_capacity(2 * self.0.len()), |mut hex, byte| {
            // Writing to a string does not fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// Reads the stored form. `None` if it is not 64 hexadecimal digits, the letters in lower case.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut hash = [0; digest::SHA256_OUTPUT_LEN];
        if text.len() != 2 * hash.len() || !text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        for (byte, at) in hash.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
        }
        Some(Self(hash))
    }

    /// The first eight hexadecimal digits: enough to tell a person which key is meant, useless to anyone else.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        self.to_hex()[..8].to_owned()
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHash({})", self.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::System;

    #[test]
    fn a_key_names_its_application_and_matches_what_was_stored() {
        for kind in [KeyKind::Publishable, KeyKind::Secret] {
            let id = ApplicationId::random(&System);
            let (text, stored) = ApiKey::generate(kind, id, &System);
            let key = ApiKey::parse(text.expose()).unwrap();

            assert_eq!((key.kind(), key.application_id()), (kind, id));
            assert!(key.matches(&stored));
            assert_eq!(KeyHash::from_hex(&stored.to_hex()), Some(stored));
        }
    }

    /// Made with Python's `hashlib` and `base64`, so that what customers hold and what tables hold can't change unnoticed.
    #[test]
    fn the_text_and_the_stored_hash_are_those_that_were_published() {
        let key = ApiKey::parse("sk_AAECAwQFBgcICQoLDA0ODyAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4__iKU-g").unwrap();
        let id = ApplicationId::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
        assert_eq!((key.kind(), key.application_id()), (KeyKind::Secret, id));
        assert_eq!(key.hash.to_hex(), "cbddd40f86ab6c394e91e41d64457bdac199766abb0593a53d4646d9764e0497");
    }

    #[test]
    fn another_key_of_the_same_application_does_not_match() {
        let id = ApplicationId::random(&System);
        let (text, _) = ApiKey::generate(KeyKind::Secret, id, &System);
        let (_, other) = ApiKey::generate(KeyKind::Secret, id, &System);
        assert!(!ApiKey::parse(text.expose()).unwrap().matches(&other));
    }

    #[test]
    fn a_typo_or_a_swapped_prefix_is_noticed_without_a_look_up() {
        let (text, _) = ApiKey::generate(KeyKind::Publishable, ApplicationId::random(&System), &System);
        let text = text.expose();

        for at in 3..text.len() {
            let other = if &text[at..=at] == "A" { "B" } else { "A" };
            let typo = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            assert!(ApiKey::parse(&typo).is_err(), "{typo}");
        }
        for malformed in
            ["", "pk_", "pk_é", &text.replace("pk_", "sk_"), &format!("{text}A"), &text[..text.len() - 1], &text[3..]]
        {
            assert!(ApiKey::parse(malformed).is_err(), "{malformed}");
        }
    }
}
