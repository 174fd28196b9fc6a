//! Keys in a function's memory: loaded in its init, looked at again every few minutes, kept while the store is away.
//!
//! A new key is known everywhere within [`RELOAD_AFTER`], without a restart, and signs only after
//! [`KNOWN_AFTER`](crate::rotation::KNOWN_AFTER), when the copies of others have been renewed too. A token that names a key
//! which is not in memory is worth a look at the table all the same, but at most one a minute, so that invented names
//! cost next to nothing.

mod kept;

use std::{sync::Arc, time::Duration};

use kept::Kept;

use crate::{
    access_token::{Claims, InvalidAccessToken, Signer, SigningFailed, Verifier},
    device_token::DeviceToken,
    mac::{MacKeys, Unopened},
    refresh_token::RefreshToken,
    secret::Secret,
    store::{KeysError, PublicKey, SigningKeys, StoreError},
    world::{Timestamp, World},
};

/// How old a copy may be before the table is asked again.
pub const RELOAD_AFTER: Duration = Duration::from_mins(5);

/// The same for a token whose key is not in the copy.
pub const RELOAD_FOR_UNKNOWN_AFTER: Duration = Duration::from_mins(1);

/// How long an instance that can't read the table goes on signing with the copy that it has. It bounds how long a key is
/// in use after its successor took over, and so how long it has to be kept: a day to mend a table that can't be read.
pub const SIGNS_UNCHECKED_FOR: Duration = Duration::from_hours(24);

/// How long anyone may keep the published keys.
pub const PUBLISHED_FOR: Duration = Duration::from_mins(5);

/// What only recognises may be as old as the outage lasts: refusing everybody would be worse.
const FOREVER: Duration = Duration::MAX;

/// A store that is away during init is no reason to fail: the first request asks again, and is told 503 if it still is.
fn unless_away<T>(loaded: Result<T, KeysError>) -> Result<(), KeysError> {
    match loaded {
        Ok(_) | Err(KeysError::Store(StoreError::Unavailable(_))) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Signs access tokens with the key in force.
pub struct SigningRing {
    keys: SigningKeys,
    signer: Kept<Signer>,
}

impl SigningRing {
    /// Loads the key.
    ///
    /// # Errors
    ///
    /// If the deployment has no key, or the table can't be read for a reason that will not pass.
    pub async fn load(keys: &SigningKeys, world: &impl World) -> Result<Self, KeysError> {
        let ring = Self { keys: keys.clone(), signer: Kept::nothing() };
        unless_away(ring.signer(world.now()).await)?;
        Ok(ring)
    }

    async fn signer(&self, now: Timestamp) -> Result<Arc<Signer>, KeysError> {
        self.signer.get(RELOAD_AFTER, SIGNS_UNCHECKED_FOR, now, self.keys.signer(now)).await
    }

    /// The token that says `claims`.
    ///
    /// # Errors
    ///
    /// If there is no key to be had, or it is of no use.
    pub async fn sign(&self, claims: &Claims, now: Timestamp) -> Result<Secret, SignError> {
        Ok(self.signer(now).await?.sign(claims)?)
    }
}

/// A token was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// There is no key to be had.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The key is of no use.
    #[error(transparent)]
    Signing(#[from] SigningFailed),
}

/// Seals refresh and device tokens with the key in force, and opens them with any.
pub struct SealingRing {
    keys: SigningKeys,
    macs: Kept<MacKeys>,
}

impl SealingRing {
    /// Loads all keys.
    ///
    /// # Errors
    ///
    /// If the deployment has none, or the table can't be read for a reason that will not pass.
    pub async fn load(keys: &SigningKeys, world: &impl World) -> Result<Self, KeysError> {
        let ring = Self { keys: keys.clone(), macs: Kept::nothing() };
        unless_away(ring.macs(FOREVER, world.now()).await)?;
        Ok(ring)
    }

    async fn macs(&self, good_for: Duration, now: Timestamp) -> Result<Arc<MacKeys>, KeysError> {
        self.macs.get(RELOAD_AFTER, good_for, now, self.keys.macs(now)).await
    }

    /// The text of `token`.
    ///
    /// # Errors
    ///
    /// If there is no key to be had.
    pub async fn seal(&self, token: &RefreshToken, now: Timestamp) -> Result<Secret, KeysError> {
        Ok(self.macs(SIGNS_UNCHECKED_FOR, now).await?.seal(token))
    }

    /// The text of `token`.
    ///
    /// # Errors
    ///
    /// If there is no key to be had.
    pub async fn seal_device(&self, token: &DeviceToken, now: Timestamp) -> Result<Secret, KeysError> {
        Ok(self.macs(SIGNS_UNCHECKED_FOR, now).await?.seal_device(token))
    }

    /// What the refresh token `text` says; `None` if it is none of ours, or past its absolute expiry.
    ///
    /// # Errors
    ///
    /// If there is no key to be had, or the table can't say whether it has the one that the token names.
    pub async fn open(&self, text: &str, now: Timestamp) -> Result<Option<RefreshToken>, KeysError> {
        self.open_with(now, |keys| keys.open(text, now)).await
    }

    /// What the device token `text` says; `None` if it is none of ours.
    ///
    /// # Errors
    ///
    /// As [`SealingRing::open`].
    pub async fn open_device(&self, text: &str, now: Timestamp) -> Result<Option<DeviceToken>, KeysError> {
        self.open_with(now, |keys| keys.open_device(text)).await
    }

    async fn open_with<T>(
        &self,
        now: Timestamp,
        open: impl Fn(&MacKeys) -> Result<T, Unopened>,
    ) -> Result<Option<T>, KeysError> {
        let keys = self.macs(FOREVER, now).await?;
        let opened = match open(&keys) {
            Err(Unopened::UnknownKey) => {
                let keys = self.macs.get_recent(now, self.keys.macs(now)).await?;
                open(&keys)
            }
            opened => opened,
        };
        Ok(opened.ok())
    }
}

/// Verifies access tokens with all published keys.
pub struct VerificationRing {
    issuer: String,
    keys: SigningKeys,
    verifier: Kept<Verifier>,
}

impl VerificationRing {
    /// Loads all published keys, to verify tokens of `issuer`.
    ///
    /// # Errors
    ///
    /// If the deployment has none, or the table can't be read for a reason that will not pass.
    pub async fn load(issuer: &str, keys: &SigningKeys, world: &impl World) -> Result<Self, KeysError> {
        let ring = Self { issuer: issuer.to_owned(), keys: keys.clone(), verifier: Kept::nothing() };
        unless_away(ring.verifier(world.now()).await)?;
        Ok(ring)
    }

    async fn verifier(&self, now: Timestamp) -> Result<Arc<Verifier>, KeysError> {
        self.verifier.get(RELOAD_AFTER, FOREVER, now, self.keys.verifier(&self.issuer, now)).await
    }

    /// What the access token `text` says; `None` if it is none of ours, not for `audience`, or not good at `now`.
    ///
    /// # Errors
    ///
    /// If there is no key to be had, or the table can't say whether it has the one that the token names.
    pub async fn verify(&self, text: &str, audience: &str, now: Timestamp) -> Result<Option<Claims>, KeysError> {
        let verified = match self.verifier(now).await?.verify(text, audience, now) {
            Err(InvalidAccessToken::UnknownKey) => {
                self.verifier.get_recent(now, self.keys.verifier(&self.issuer, now)).await?.verify(text, audience, now)
            }
            verified => verified,
        };
        Ok(verified.ok())
    }
}

/// The published keys, for everyone to read.
pub struct PublicRing {
    keys: SigningKeys,
    published: Kept<Vec<PublicKey>>,
}

impl PublicRing {
    /// Loads them.
    ///
    /// # Errors
    ///
    /// If the deployment has none, or the table can't be read for a reason that will not pass.
    pub async fn load(keys: &SigningKeys, world: &impl World) -> Result<Self, KeysError> {
        let ring = Self { keys: keys.clone(), published: Kept::nothing() };
        unless_away(ring.published(world.now()).await)?;
        Ok(ring)
    }

    /// The keys, newest first.
    ///
    /// # Errors
    ///
    /// If there is none to be had.
    pub async fn published(&self, now: Timestamp) -> Result<Arc<Vec<PublicKey>>, KeysError> {
        self.published.get(RELOAD_AFTER, FOREVER, now, self.keys.published(now)).await
    }
}

#[cfg(test)]
#[path = "keyring_tests.rs"]
mod tests;
