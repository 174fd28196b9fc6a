//! A session: one sign-in on one device, the family of all refresh tokens descended from it.

use std::time::Duration;

use crate::{
    application::Application,
    ids::{ApplicationId, SessionId, UserKey},
    protocol::{Ending, Position},
    refresh_token::RefreshToken,
    user::User,
    world::{Timestamp, World},
};

/// The longest user agent that is kept, in bytes: an item must not grow with what a client sends.
const MAX_USER_AGENT: usize = 256;

/// How the user proved who they are: the JWT `amr` (RFC 8176 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// By password: `pwd`.
    Password,
    /// At a provider: `fed`, which RFC 8176 does not register and others use too.
    Federated,
}

impl Method {
    /// The registered value.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "pwd",
            Self::Federated => "fed",
        }
    }

    /// The method with this registered value.
    #[must_use]
    pub fn from_value(value: &str) -> Option<Self> {
        [Self::Password, Self::Federated].into_iter().find(|method| method.as_str() == value)
    }
}

/// Where a request came from, as far as it is kept with a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// The `User-Agent` header, cut to 256 bytes.
    pub user_agent: Option<String>,
    /// The address that the gateway saw, never one that the caller claims.
    pub source_ip: Option<String>,
}

impl Device {
    /// A device as a request describes it.
    #[must_use]
    pub fn new(user_agent: Option<&str>, source_ip: Option<&str>) -> Self {
        Self {
            user_agent: user_agent.map(|text| text[..text.floor_char_boundary(MAX_USER_AGENT)].to_owned()),
            source_ip: source_ip.map(str::to_owned),
        }
    }
}

/// A session as it is stored: one item, whose size does not change however often it is refreshed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Whose session it is.
    pub user_key: UserKey,
    /// Which one.
    pub session_id: SessionId,
    /// The only application that may refresh it.
    pub application_id: ApplicationId,
    /// The user's epoch at sign-in. A newer one ends the session.
    pub epoch: u64,
    /// The newest token's position.
    pub position: Position,
    /// The branch that was current before the last rotation; none before the first.
    pub previous_branch: Option<u8>,
    /// How the user signed in.
    pub method: Method,
    /// When the user signed in: the JWT `auth_time`.
    pub created_at: Timestamp,
    /// When the newest token was made.
    pub rotated_at: Timestamp,
    /// When it ends unless it is refreshed before.
    pub expires_at: Timestamp,
    /// When it ends in any case.
    pub absolute_expires_at: Timestamp,
    /// When it was ended, if it was.
    pub revoked_at: Option<Timestamp>,
    /// Why, if it was.
    pub revoked_reason: Option<RevocationReason>,
    /// The user agent that was last seen.
    pub user_agent: Option<String>,
    /// The source address that was last seen.
    pub source_ip: Option<String>,
}

impl Session {
    /// A new session of `user`, who has signed in by `method`, for `application`, beginning now.
    #[must_use]
    pub fn begin(
        user: &User,
        method: Method,
        application: &Application,
        device: Device,
        world: &impl World,
        now: Timestamp,
    ) -> Self {
        let absolute_expires_at = now.plus(application.refresh.absolute);
        Self {
            user_key: user.key,
            session_id: SessionId::random(world),
            application_id: application.id,
            epoch: user.epoch,
            position: Position::FIRST,
            previous_branch: None,
            method,
            created_at: now,
            rotated_at: now,
            expires_at: application.refresh.idle_end(now, absolute_expires_at),
            absolute_expires_at,
            revoked_at: None,
            revoked_reason: None,
            user_agent: device.user_agent,
            source_ip: device.source_ip,
        }
    }

    /// Why the session is over at `now`, as far as its own item tells. Expiry is compared here and not left to the
    /// table's TTL, which deletes days late.
    #[must_use]
    pub fn ending(&self, now: Timestamp) -> Option<Ending> {
        if self.revoked_at.is_some() {
            let replaced = self.revoked_reason == Some(RevocationReason::Replaced);
            Some(if replaced { Ending::Replaced } else { Ending::Revoked })
        } else if self.expires_at <= now || self.absolute_expires_at <= now {
            Some(Ending::Expired)
        } else {
            None
        }
    }

    /// Whether the session stands at `now`, for a user whose epoch is `epoch`.
    #[must_use]
    pub fn stands(&self, epoch: u64, now: Timestamp) -> bool {
        self.ending(now).is_none() && self.epoch == epoch
    }

    /// The newest refresh token of the session.
    #[must_use]
    pub const fn refresh_token(&self) -> RefreshToken {
        RefreshToken {
            user_key: self.user_key,
            session_id: self.session_id,
            position: self.position,
            absolute_expires_at: self.absolute_expires_at,
        }
    }

    /// How long the newest refresh token is good for, counted from `now`.
    #[must_use]
    pub const fn remaining(&self, now: Timestamp) -> Duration {
        self.expires_at.since(now)
    }
}

/// Why a session was revoked; stored with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationReason {
    /// The user signed out.
    Logout,
    /// A refresh token was used again.
    Reuse,
    /// The user ended it from another session.
    EndedByUser,
    /// The application revoked its token (RFC 7009).
    RevokedByApplication,
    /// The user signed in again in the same place.
    Replaced,
    /// The code that it began with was used again.
    CodeReuse,
}

impl RevocationReason {
    const ALL: [Self; 6] =
        [Self::Logout, Self::Reuse, Self::EndedByUser, Self::RevokedByApplication, Self::Replaced, Self::CodeReuse];

    /// As it is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Reuse => "reuse",
            Self::EndedByUser => "ended_by_user",
            Self::RevokedByApplication => "revoked_by_application",
            Self::Replaced => "replaced",
            Self::CodeReuse => "code_reuse",
        }
    }

    /// The reason that is stored as `value`.
    #[must_use]
    pub fn from_value(value: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_user_agent_is_cut_between_characters() {
        let device = Device::new(Some(&"é".repeat(200)), None);
        assert_eq!(device.user_agent.map(|text| text.len()), Some(256));
    }
}
