//! Sealed texts: opaque to their holders, and self-contained to us.
//!
//! A prefix + base64url of `version (1) ‖ key id (4) ‖ payload ‖ tag (16)`, the tag an HMAC-SHA-256 cut to 128 bits
//! (RFC 2104 §5) over all that stands before it. The version also tells the kinds of texts apart: what was sealed as one
//! does not open as another. A text has one spelling, because base64url with spare bits that are not zero is refused.

use aws_lc_rs::{constant_time, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::secret::Secret;

const HEAD: usize = 1 + 4;
const TAG: usize = 16;

/// What kind of text it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    /// What the text begins with, for people and for scanners that look for secrets.
    pub(crate) prefix: &'static str,
    /// The first byte under the tag: no two kinds share one.
    pub(crate) version: u8,
}

/// A text does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unopened {
    /// It names a key that is not among these; nothing else of it was looked at.
    #[error("sealed with an unknown key")]
    UnknownKey,
    /// Anything else.
    #[error("not a text of ours that could be good")]
    Unacceptable,
}

/// Names a MAC key inside a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MacKeyId(pub [u8; 4]);

/// A key that authenticates what we hand out. It never leaves the server, in whatever form.
pub struct MacKey {
    id: MacKeyId,
    key: hmac::Key,
}

impl MacKey {
    /// The key `id` with 256 bits of `secret`.
    #[must_use]
    pub fn new(id: MacKeyId, secret: &[u8; 32]) -> Self {
        Self { id, key: hmac::Key::new(hmac::HMAC_SHA256, secret) }
    }
}

/// The deployment's MAC keys: one that seals, all that still recognise what they sealed.
pub struct MacKeys {
    current: MacKey,
    older: Vec<MacKey>,
}

impl MacKeys {
    /// `current` seals; it and `older` open.
    #[must_use]
    pub const fn new(current: MacKey, older: Vec<MacKey>) -> Self {
        Self { current, older }
    }

    /// The text that says `payload`. The same payload has the same text as long as the current key is the same.
    pub(crate) fn seal_payload(&self, kind: Kind, payload: &[u8]) -> Secret {
        let mut bytes = Vec::with_capacity(HEAD + payload.len() + TAG);
        bytes.push(kind.version);
        bytes.extend_from_slice(&self.current.id.0);
        bytes.extend_from_slice(payload);
        let tag = hmac::sign(&self.current.key, &bytes);
        bytes.extend_from_slice(&tag.as_ref()[..TAG]);
        Secret::new(format!("{}{}", kind.prefix, URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The `N` bytes that `text` says, without any look-up.
    pub(crate) fn open_payload<const N: usize>(&self, kind: Kind, text: &str) -> Result<[u8; N], Unopened> {
        let encoded = text.strip_prefix(kind.prefix).ok_or(Unopened::Unacceptable)?;
        // A text of any other length is not decoded, however long it is.
        let length = HEAD + N + TAG;
        if Some(encoded.len()) != base64::encoded_len(length, false) {
            return Err(Unopened::Unacceptable);
        }
        let bytes = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| Unopened::Unacceptable)?;
        let (sealed, tag) = bytes.split_at_checked(HEAD + N).ok_or(Unopened::Unacceptable)?;
        let ([version, id @ ..], payload) = sealed.split_first_chunk::<HEAD>().ok_or(Unopened::Unacceptable)?;
        if *version != kind.version {
            return Err(Unopened::Unacceptable);
        }
        let key = self.find(MacKeyId(*id)).ok_or(Unopened::UnknownKey)?;
        let expected = hmac::sign(&key.key, sealed);
        if constant_time::verify_slices_are_equal(&expected.as_ref()[..TAG], tag).is_err() {
            return Err(Unopened::Unacceptable);
        }
        payload.try_into().map_err(|_| Unopened::Unacceptable)
    }

    fn find(&self, id: MacKeyId) -> Option<&MacKey> {
        std::iter::once(&self.current).chain(&self.older).find(|key| key.id == id)
    }
}

/// What is left to read of a payload.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl Fields<'_> {
    /// The next `N` bytes.
    pub(crate) fn take<const N: usize>(&mut self) -> Result<[u8; N], Unopened> {
        let (field, rest) = self.0.split_first_chunk().ok_or(Unopened::Unacceptable)?;
        self.0 = rest;
        Ok(*field)
    }
}

#[cfg(test)]
#[path = "mac_vectors.rs"]
mod vectors;

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Kind = Kind { prefix: "one_", version: 1 };

    fn keys(id: u8) -> MacKeys {
        MacKeys::new(MacKey::new(MacKeyId([id; 4]), &[id; 32]), Vec::new())
    }

    #[test]
    fn a_text_opens_as_what_it_was_sealed_as_and_as_nothing_else() {
        let text = keys(1).seal_payload(ONE, &[7; 12]);
        let open = |kind, text: &str| keys(1).open_payload::<12>(kind, text);
        assert_eq!(open(ONE, text.expose()), Ok([7; 12]));

        let other = Kind { prefix: "two_", version: 2 };
        let renamed = text.expose().replacen(ONE.prefix, other.prefix, 1);
        assert_eq!(open(other, &renamed), Err(Unopened::Unacceptable));
        assert_eq!(open(Kind { prefix: "two_", ..ONE }, text.expose()), Err(Unopened::Unacceptable));
        assert_eq!(keys(1).open_payload::<11>(ONE, text.expose()), Err(Unopened::Unacceptable));
        assert_eq!(keys(2).open_payload::<12>(ONE, text.expose()), Err(Unopened::UnknownKey));
    }

    #[test]
    fn spare_bits_make_no_second_spelling() {
        // 33 bytes leave none; 34 leave four.
        let text = keys(1).seal_payload(ONE, &[7; 13]).into_exposed();
        let spellings = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
            .chars()
            .map(|last| format!("{}{last}", &text[..text.len() - 1]))
            .filter(|spelling| keys(1).open_payload::<13>(ONE, spelling).is_ok());
        assert_eq!(spellings.collect::<Vec<_>>(), std::slice::from_ref(&text));
    }
}
