//! What a request to sign in says: who, with which password, in which place.

use schemars::JsonSchema;
use shared::{
    application::{Application, TokenDelivery},
    device_token::DeviceToken,
    http::{Cookies, Request},
    ids::UserKey,
    keyring::SealingRing,
    log,
    password::Password,
    problem::Problem,
    secret::Secret,
    store::{KeysError, StoreError, Users},
    throttle::Guesser,
    user_id::UserId,
    world::Timestamp,
};

/// A name and a password.
#[derive(JsonSchema)]
pub(super) struct Credentials {
    /// The user's name, in any spelling.
    user_id: Option<String>,
    /// The user's id, instead of the name.
    user_key: Option<String>,
    /// The password.
    #[schemars(with = "String")]
    user_secret: Secret,
    /// What the last sign-in on this device returned. Anything else counts as absent; applications with cookies have a cookie for it.
    device_token: Option<String>,
}

/// Who wants in. A name that nobody can have is like one that nobody has.
enum Name {
    Key(Option<UserKey>),
    Id(Option<UserId>),
}

/// What a request says.
pub(super) struct Claim {
    name: Name,
    /// The name as it was written.
    written: String,
    pub(super) password: Password,
    /// What may be the device token. A neighbouring host can plant a cookie beside ours (RFC 6265bis §8.6).
    devices: Vec<String>,
}

impl Claim {
    pub(super) fn read(request: &Request, application: &Application, cookies: Cookies) -> Result<Self, Problem> {
        let mut members = request.json()?;
        let by_key = members.has("user_key");
        if by_key && members.has("user_id") {
            return Err(Problem::InvalidRequest("name the user by `user_key` or by `user_id`, not both"));
        }
        let credentials = Credentials {
            user_id: (!by_key).then(|| members.required("user_id")),
            user_key: by_key.then(|| members.required("user_key")),
            user_secret: members.required_secret("user_secret"),
            device_token: match application.delivery {
                TokenDelivery::Body => members.optional("device_token"),
                TokenDelivery::Cookie => None,
            },
        };
        members.finish()?;
        let (name, written) = match (credentials.user_key, credentials.user_id) {
            (Some(key), _) => (Name::Key(key.parse().ok()), key),
            (None, id) => {
                let id = id.unwrap_or_default();
                (Name::Id(UserId::parse(&id).ok()), id)
            }
        };
        let devices = match application.delivery {
            TokenDelivery::Body => credentials.device_token.into_iter().collect(),
            TokenDelivery::Cookie => cookies.devices(request.headers()),
        };
        Ok(Self { name, written, password: Password::new(credentials.user_secret.into_exposed()), devices })
    }

    /// Whose name it is. A key that is nobody's is taken for one.
    pub(super) async fn find_key(&self, users: &Users) -> Result<Option<UserKey>, StoreError> {
        match &self.name {
            Name::Key(key) => Ok(*key),
            Name::Id(Some(id)) => users.find_key(id).await,
            Name::Id(None) => Ok(None),
        }
    }

    /// Whose failure it is if it comes from a stranger, where `key` is what [`Claim::find_key`] has found. All spellings of a
    /// name are one, somebody's or nobody's: else counting them would tell which.
    pub(super) fn stranger(&self, key: Option<UserKey>) -> Guesser {
        match (key, &self.name) {
            (Some(key), _) => Guesser::Stranger(key),
            (None, Name::Id(Some(id))) => Guesser::of_name(id.as_str()),
            (None, _) => Guesser::of_name(&self.written),
        }
    }

    /// The device that it comes from, if the user `key` has signed in there. A token that can't be told is like none, since it is no
    /// credential.
    pub(super) async fn device(
        &self,
        key: Option<UserKey>,
        sealing: &SealingRing,
        now: Timestamp,
    ) -> Result<Option<DeviceToken>, KeysError> {
        for text in &self.devices {
            match sealing.open_device(text, now).await {
                Ok(Some(token)) if key == Some(token.user_key) => return Ok(Some(token)),
                Ok(_) => {}
                Err(error @ KeysError::Store(_)) => log::old_copy_used(&error),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}
