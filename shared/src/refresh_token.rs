//! Refresh tokens: opaque to their holders, and self-contained to us.
//!
//! `gl_rt_` + base64url of
//! `version (1) ‖ key id (4) ‖ user_key (16) ‖ session_id (16) ‖ generation (4) ‖ branch (1) ‖ absolute expiry (8) ‖ tag (16)`,
//! integers big-endian, the tag an HMAC-SHA-256 cut to 128 bits (RFC 2104 §5) over all that stands before it.
//!
//! The tag kills junk and absolutely expired tokens before any database call, recognises every genuine old
//! generation for ever, and means that nobody who only knows a `sid` can end a session (RFC 9700 §4.14.2, the note on
//! integrity). 66 bytes are 88 base64url characters without a spare bit, so a token has one spelling.

use aws_lc_rs::{constant_time, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    ids::{SessionId, UserKey},
    protocol::Position,
    secret::Secret,
    world::Timestamp,
};

const PREFIX: &str = "gl_rt_";
const VERSION: u8 = 1;
const PAYLOAD: usize = 1 + 4 + 16 + 16 + 4 + 1 + 8;
const TAG: usize = 16;

/// What a genuine refresh token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshToken {
    /// Whose session it is.
    pub user_key: UserKey,
    /// The session that it belongs to.
    pub session_id: SessionId,
    /// Where in the session's line of tokens it stands.
    pub position: Position,
    /// When the session ends, however often it is refreshed.
    pub absolute_expires_at: Timestamp,
}

/// The text is no refresh token of ours, or one whose absolute expiry has passed (case I of the protocol).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRefreshToken {
    /// It names a key that is not among these; nothing else of it was looked at.
    #[error("sealed with an unknown key")]
    UnknownKey,
    /// Anything else.
    #[error("not a refresh token that could be good")]
    Unacceptable,
}

/// Names a MAC key inside a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MacKeyId(pub [u8; 4]);

/// A key that authenticates refresh tokens. It never leaves the server, in whatever form.
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

/// The deployment's MAC keys: one that makes tokens, all that still recognise them.
pub struct MacKeys {
    current: MacKey,
    older: Vec<MacKey>,
}

impl MacKeys {
    /// `current` seals new tokens; it and `older` open them.
    #[must_use]
    pub const fn new(current: MacKey, older: Vec<MacKey>) -> Self {
        Self { current, older }
    }

    /// The text of `token`. The same token has the same text as long as the current key is the same: that is how two
    /// tabs, a retry and a lost answer all converge on one successor.
    #[must_use]
    pub fn seal(&self, token: &RefreshToken) -> Secret {
        let mut bytes = Vec::with_capacity(PAYLOAD + TAG);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.current.id.0);
        bytes.extend_from_slice(token.user_key.as_bytes());
        bytes.extend_from_slice(token.session_id.as_bytes());
        bytes.extend_from_slice(&token.position.generation.to_be_bytes());
        bytes.push(token.position.branch);
        bytes.extend_from_slice(&token.absolute_expires_at.seconds().to_be_bytes());
        let tag = hmac::sign(&self.current.key, &bytes);
        bytes.extend_from_slice(&tag.as_ref()[..TAG]);
        Secret::new(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// Reads a token, without any look-up.
    ///
    /// # Errors
    ///
    /// [`InvalidRefreshToken`] if it is malformed, was not made by one of these keys, or is past its absolute expiry.
    pub fn open(&self, text: &str, now: Timestamp) -> Result<RefreshToken, InvalidRefreshToken> {
        let encoded = text.strip_prefix(PREFIX).ok_or(InvalidRefreshToken::Unacceptable)?;
        let mut bytes = [0; PAYLOAD + TAG];
        let length =
            URL_SAFE_NO_PAD.decode_slice(encoded, &mut bytes).map_err(|_| InvalidRefreshToken::Unacceptable)?;
        if length != bytes.len() {
            return Err(InvalidRefreshToken::Unacceptable);
        }
        let (payload, tag) = bytes.split_at(PAYLOAD);
        let mut fields = Fields(payload);
        if fields.take()? != [VERSION] {
            return Err(InvalidRefreshToken::Unacceptable);
        }
        let key = self.find(MacKeyId(fields.take()?)).ok_or(InvalidRefreshToken::UnknownKey)?;
        let expected = hmac::sign(&key.key, payload);
        if constant_time::verify_slices_are_equal(&expected.as_ref()[..TAG], tag).is_err() {
            return Err(InvalidRefreshToken::Unacceptable);
        }
        let token = fields.token()?;
        if token.absolute_expires_at > now { Ok(token) } else { Err(InvalidRefreshToken::Unacceptable) }
    }

    fn find(&self, id: MacKeyId) -> Option<&MacKey> {
        std::iter::once(&self.current).chain(&self.older).find(|key| key.id == id)
    }
}

/// What is left to read of a payload.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], InvalidRefreshToken> {
        let (field, rest) = self.0.split_first_chunk().ok_or(InvalidRefreshToken::Unacceptable)?;
        self.0 = rest;
        Ok(*field)
    }

    fn token(&mut self) -> Result<RefreshToken, InvalidRefreshToken> {
        Ok(RefreshToken {
            user_key: UserKey::from_bytes(self.take()?),
            session_id: SessionId::from_bytes(self.take()?),
            position: Position {
                generation: u32::from_be_bytes(self.take()?),
                branch: u8::from_be_bytes(self.take()?),
            },
            absolute_expires_at: Timestamp::from_seconds(u64::from_be_bytes(self.take()?)),
        })
    }
}

#[cfg(test)]
#[path = "refresh_token_vectors.rs"]
mod vectors;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{System, World};

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn keys(id: u8) -> MacKeys {
        MacKeys::new(MacKey::new(MacKeyId([id; 4]), &[id; 32]), Vec::new())
    }

    fn token() -> RefreshToken {
        RefreshToken {
            user_key: UserKey::random(&System),
            session_id: SessionId::random(&System),
            position: Position { generation: 7, branch: 2 },
            absolute_expires_at: Timestamp::from_seconds(1_800_000_001),
        }
    }

    #[test]
    fn what_was_sealed_opens_and_has_one_text() {
        let token = token();
        let text = keys(1).seal(&token);
        assert_eq!(keys(1).open(text.expose(), NOW), Ok(token));
        assert_eq!(keys(1).seal(&token).expose(), text.expose());
        assert_eq!(text.expose().len(), 94);
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let text = keys(1).seal(&token());
        let text = text.expose();
        for at in 0..text.len() {
            for other in ["A", "z", "_", "+", "="] {
                let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
                assert!(changed == text || keys(1).open(&changed, NOW).is_err(), "{changed}");
            }
        }
    }

    #[test]
    fn junk_foreign_keys_and_expired_tokens_do_not_open() {
        let token = token();
        let text = keys(1).seal(&token);
        assert!(keys(2).open(text.expose(), NOW).is_err(), "unknown key id");

        let same_id = MacKeys::new(MacKey::new(MacKeyId([1; 4]), &System.random()), Vec::new());
        assert!(same_id.open(text.expose(), NOW).is_err(), "other secret");
        assert!(keys(1).open(text.expose(), token.absolute_expires_at).is_err(), "expired");
        for junk in ["", "gl_rt_", "gl_rt_é", &format!("{}AAAA", text.expose()), &text.expose()[6..]] {
            assert!(keys(1).open(junk, NOW).is_err(), "{junk}");
        }
    }

    #[test]
    fn an_older_key_still_opens() {
        let token = token();
        let both = MacKeys::new(MacKey::new(MacKeyId([2; 4]), &[2; 32]), vec![MacKey::new(MacKeyId([1; 4]), &[1; 32])]);
        assert_eq!(both.open(keys(1).seal(&token).expose(), NOW), Ok(token));
        assert_ne!(both.seal(&token).expose(), keys(1).seal(&token).expose());
    }
}
