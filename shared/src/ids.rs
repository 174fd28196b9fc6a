//! Identifiers: random, immutable, and types of their own, so that one can't be taken for another.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::world::World;

/// The text is not a UUID in its hyphenated lower-case form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a lower-case hyphenated UUID")]
pub struct InvalidId;

macro_rules! uuid_newtype {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String, format = "uuid")]
        pub struct $name(Uuid);

        impl $name {
            /// A new random identifier (UUID version 4, RFC 9562 §5.4).
            #[must_use]
            pub fn random(world: &impl World) -> Self {
                Self(uuid::Builder::from_random_bytes(world.random()).into_uuid())
            }

            /// The identifier with these sixteen bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// The identifier's sixteen bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }
        }

        impl<'de> Deserialize<'de> for $name {
            /// As it is parsed: one spelling only.
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            /// Takes one spelling only, so that an identifier can be compared as text wherever it has been.
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let id = Uuid::try_parse(text).map_err(|_| InvalidId)?;
                if id.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text { Ok(Self(id)) } else { Err(InvalidId) }
            }
        }
    };
}

uuid_newtype! {
    /// A user, for ever: the JWT `sub`. Never reassigned, unlike the name that a person picks.
    UserKey
}

uuid_newtype! {
    /// One sign-in on one device: the JWT `sid`.
    SessionId
}

uuid_newtype! {
    /// A browser or an app in which a user has signed in before.
    DeviceId
}

uuid_newtype! {
    /// A client of the API: the JWT `client_id` (RFC 9068 §2.2).
    ApplicationId
}

/// Which session of which user: `<user_key>/<session_id>` where it is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionRef {
    /// Whose.
    pub user_key: UserKey,
    /// Which.
    pub session_id: SessionId,
}

impl fmt::Display for SessionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.user_key, self.session_id)
    }
}

impl FromStr for SessionRef {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let (user_key, session_id) = text.split_once('/').ok_or(InvalidId)?;
        Ok(Self { user_key: user_key.parse()?, session_id: session_id.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let id = "6f9619ff-8b86-4011-b42d-00c04fc964ff";
        assert_eq!(id.parse::<UserKey>().map(|parsed| parsed.to_string()), Ok(id.to_owned()));

        for other in [
            "6F9619FF-8B86-4011-B42D-00C04FC964FF",
            "6f9619ff8b864011b42d00c04fc964ff",
            "{6f9619ff-8b86-4011-b42d-00c04fc964ff}",
            "",
            "x",
        ] {
            assert_eq!(other.parse::<UserKey>(), Err(InvalidId), "{other}");
        }
    }
}
