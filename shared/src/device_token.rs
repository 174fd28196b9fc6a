//! Device tokens: what a browser or an app keeps of a sign-in that succeeded there, to be told from strangers at the next.
//!
//! `gl_dt_` + base64url of `version (1) ‖ key id (4) ‖ user_key (16) ‖ device_id (16) ‖ epoch (8) ‖ tag (16)`, sealed as [`crate::mac`]
//! says. It opens for as long as the key that sealed it is kept: at least a year.
//!
//! It is no credential. Whoever presents it still needs the password, but their failures are counted by themselves
//! ([`crate::throttle`]), so that a stranger's guesses lock nobody out of a device that they have used before.

use crate::{
    ids::{DeviceId, UserKey},
    mac::{Fields, Kind, MacKeys, Unopened},
    secret::Secret,
};

const KIND: Kind = Kind { prefix: "gl_dt_", version: 2 };
const PAYLOAD: usize = 16 + 16 + 8;

/// What a genuine device token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceToken {
    /// Who signed in. On anybody else's account the device is a stranger.
    pub user_key: UserKey,
    /// Where.
    pub device_id: DeviceId,
    /// The user's epoch then. A newer one, raised by whatever ends all sessions, makes a stranger of the device.
    pub epoch: u64,
}

impl MacKeys {
    /// The text of `token`.
    #[must_use]
    pub fn seal_device(&self, token: &DeviceToken) -> Secret {
        let mut payload = Vec::with_capacity(PAYLOAD);
        payload.extend_from_slice(token.user_key.as_bytes());
        payload.extend_from_slice(token.device_id.as_bytes());
        payload.extend_from_slice(&token.epoch.to_be_bytes());
        self.seal_payload(KIND, &payload)
    }

    /// Reads a token, without any look-up.
    ///
    /// # Errors
    ///
    /// [`Unopened`] if it is malformed or was not made by one of these keys.
    pub fn open_device(&self, text: &str) -> Result<DeviceToken, Unopened> {
        let payload = self.open_payload::<PAYLOAD>(KIND, text)?;
        let mut fields = Fields(&payload);
        Ok(DeviceToken {
            user_key: UserKey::from_bytes(fields.take()?),
            device_id: DeviceId::from_bytes(fields.take()?),
            epoch: u64::from_be_bytes(fields.take()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        mac::{MacKey, MacKeyId},
        world::System,
    };

    #[test]
    fn what_was_sealed_opens_and_a_changed_character_is_noticed() {
        let keys = MacKeys::new(MacKey::new(MacKeyId([1; 4]), &[1; 32]), Vec::new());
        let token = DeviceToken { user_key: UserKey::random(&System), device_id: DeviceId::random(&System), epoch: 7 };
        let text = keys.seal_device(&token).into_exposed();
        assert_eq!(keys.open_device(&text), Ok(token));
        for at in 0..text.len() {
            for other in ["A", "z", "_", "+", "="] {
                let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
                assert!(changed == text || keys.open_device(&changed).is_err(), "{changed}");
            }
        }
    }
}
