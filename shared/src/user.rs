//! A user: an account and what it may do.

use std::{collections::BTreeSet, fmt};

use crate::{identity::LinkedIdentity, ids::UserKey, password::PasswordHash, world::Timestamp};

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It may.
    Active,
    /// An operator has disabled it. Its sessions are over, and enabling it again does not revive them.
    Disabled,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        })
    }
}

/// An account as it is stored.
#[derive(Debug)]
pub struct User {
    /// The random, immutable id: the JWT `sub`.
    pub key: UserKey,
    /// The name that the person picked, normalised. Who came by a provider has none.
    pub user_id: Option<String>,
    /// An address. It identifies no one.
    pub email: Option<String>,
    /// Whether a provider or an operator has vouched that the address is this person's.
    pub email_verified: bool,
    /// Whether the account may be used.
    pub status: Status,
    /// Raising it ends all of the user's sessions at once.
    pub epoch: u64,
    /// What the user may do.
    pub permissions: Permissions,
    /// The password's hash, if the user has a password.
    pub password: Option<PasswordHash>,
    /// The identities at providers by which the user signs in, at most [`User::MAX_IDENTITIES`]. Without a password there is at
    /// least one.
    pub identities: Vec<LinkedIdentity>,
    /// When the user registered.
    pub created_at: Timestamp,
}

impl User {
    /// An item does not grow without bound.
    pub const MAX_IDENTITIES: usize = 10;

    /// A new user who signs in by name and password.
    #[must_use]
    pub fn named(key: UserKey, user_id: String, password: PasswordHash, now: Timestamp) -> Self {
        Self { user_id: Some(user_id), password: Some(password), ..Self::new(key, now) }
    }

    /// A new user who signs in at a provider.
    #[must_use]
    pub fn identified(key: UserKey, identity: LinkedIdentity, now: Timestamp) -> Self {
        Self { identities: vec![identity], ..Self::new(key, now) }
    }

    const fn new(key: UserKey, now: Timestamp) -> Self {
        Self {
            key,
            user_id: None,
            email: None,
            email_verified: false,
            status: Status::Active,
            epoch: 0,
            permissions: Permissions(BTreeSet::new()),
            password: None,
            identities: Vec::new(),
            created_at: now,
        }
    }

    /// Whether the account may be used.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    /// Whether sessions that began in `epoch` may still be used: nobody has disabled the account or ended them all since.
    #[must_use]
    pub fn honours(&self, epoch: u64) -> bool {
        self.is_active() && self.epoch == epoch
    }
}

/// A set of permissions: the JWT `scope` (RFC 6749 §3.3, RFC 8693 §4.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions(BTreeSet<String>);

/// The text is no scope-token of RFC 6749 §3.3, or is longer than 64 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a permission is 1 to 64 printable ASCII characters other than space, \" and \\")]
pub struct InvalidPermission;

impl Permissions {
    /// The longest list that an access token still carries comfortably: with the cookie it must fit 10 240 bytes of
    /// request headers.
    pub const MAX: usize = 32;

    /// Adds one. Adding what is there already changes nothing.
    ///
    /// # Errors
    ///
    /// [`InvalidPermission`] if it could not stand in a scope.
    pub fn add(&mut self, permission: &str) -> Result<(), InvalidPermission> {
        let printable = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
        if permission.is_empty() || permission.len() > 64 || !permission.bytes().all(printable) {
            return Err(InvalidPermission);
        }
        self.0.insert(permission.to_owned());
        Ok(())
    }

    /// Takes one away. Whether it was there.
    pub fn remove(&mut self, permission: &str) -> bool {
        self.0.remove(permission)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The permissions in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Permissions {
    /// Space separated, as `scope` is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, permission) in self.iter().enumerate() {
            let space = if position == 0 { "" } else { " " };
            write!(f, "{space}{permission}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_a_scope() {
        let mut permissions = Permissions::default();
        for permission in ["orders:write", "admin", "orders:read", "admin"] {
            permissions.add(permission).unwrap();
        }
        assert_eq!(permissions.to_string(), "admin orders:read orders:write");
        for invalid in ["", "two words", "quo\"te", "back\\slash", "é", "line\n", &"x".repeat(65)] {
            assert_eq!(permissions.add(invalid), Err(InvalidPermission), "{invalid:?}");
        }
        assert!(permissions.remove("admin"));
        assert_eq!(permissions.len(), 2);
    }
}
