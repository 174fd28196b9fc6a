//! Refresh tokens: opaque to their holders, and self-contained to us.
//!
//! `gl_rt_` + base64url of
//! `version (1) ‖ key id (4) ‖ user_key (16) ‖ session_id (16) ‖ generation (4) ‖ branch (1) ‖ absolute expiry (8) ‖ tag (16)`,
//! integers big-endian, sealed as [`crate::mac`] says.
//!
//! The tag kills junk and absolutely expired tokens before any database call, recognises every genuine old
//! generation for ever, and means that nobody who only knows a `sid` can end a session (RFC 9700 §4.14.2, the note on
//! integrity).

use crate::{
    ids::{SessionId, UserKey},
    mac::{Fields, Kind, MacKeys, Unopened},
    protocol::Position,
    secret::Secret,
    world::Timestamp,
};

const KIND: Kind = Kind { prefix: "gl_rt_", version: 1 };
const PAYLOAD: usize = 16 + 16 + 4 + 1 + 8;

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

impl MacKeys {
    /// The text of `token`. The same token has the same text as long as the current key is the same: that is how two
    /// tabs, a retry and a lost answer all converge on one successor.
    #[must_use]
    pub fn seal(&self, token: &RefreshToken) -> Secret {
        let mut payload = Vec::with_capacity(PAYLOAD);
        payload.extend_from_slice(token.user_key.as_bytes());
        payload.extend_from_slice(token.session_id.as_bytes());
        payload.extend_from_slice(&token.position.generation.to_be_bytes());
        payload.push(token.position.branch);
        payload.extend_from_slice(&token.absolute_expires_at.seconds().to_be_bytes());
        self.seal_payload(KIND, &payload)
    }

    /// Reads a token, without any look-up.
    ///
    /// # Errors
    ///
    /// [`Unopened`] if it is malformed, was not made by one of these keys, or is past its absolute expiry (case I of the
    /// protocol).
    pub fn open(&self, text: &str, now: Timestamp) -> Result<RefreshToken, Unopened> {
        let payload = self.open_payload::<PAYLOAD>(KIND, text)?;
        let mut fields = Fields(&payload);
        let token = RefreshToken {
            user_key: UserKey::from_bytes(fields.take()?),
            session_id: SessionId::from_bytes(fields.take()?),
            position: Position {
                generation: u32::from_be_bytes(fields.take()?),
                branch: u8::from_be_bytes(fields.take()?),
            },
            absolute_expires_at: Timestamp::from_seconds(u64::from_be_bytes(fields.take()?)),
        };
        if token.absolute_expires_at > now { Ok(token) } else { Err(Unopened::Unacceptable) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mac::{MacKey, MacKeyId},
        world::{System, World},
    };

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

    /// Made with Python's `hmac`, `hashlib` and `base64`: a token that is out must open after any change of ours.
    #[test]
    fn the_text_is_the_one_that_was_published() {
        let counted: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let token = RefreshToken {
            user_key: UserKey::from_bytes(*counted.first_chunk().unwrap()),
            session_id: SessionId::from_bytes(*counted.last_chunk().unwrap()),
            position: Position { generation: 7, branch: 2 },
            absolute_expires_at: Timestamp::from_seconds(1_800_000_000),
        };
        let keys = MacKeys::new(MacKey::new(MacKeyId([10, 11, 12, 13]), &[0x2a; 32]), Vec::new());
        let text = "gl_rt_AQoLDA0AAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHwAAAAcCAAAAAGtJ0gDSQqsUuplrFFsdI-0u4sBx";
        assert_eq!(keys.seal(&token).expose(), text);
        assert_eq!(keys.open(text, Timestamp::from_seconds(1_799_999_999)), Ok(token));
    }
}
