//! What a request to sign in says: who, with which password, in which place.

use shared::{
    application::{Application, TokenDelivery},
    device_token::DeviceToken,
    http::{Cookies, Members, Request},
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
use utoipa::ToSchema;

/// Who wants in, by `user_id` or by `user_key`, and the password.
#[derive(ToSchema)]
pub(super) struct Credentials {
    /// The name, in any spelling that normalises to it.
    user_id: Option<String>,
    /// The user's id, instead of the name.
    user_key: Option<String>,
    /// The password.
    #[schema(value_type = String, format = Password)]
    user_secret: Secret,
    /// The device token of the last sign-in. Not read if tokens are delivered as cookies.
    device_token: Option<String>,
}

impl Credentials {
    fn read(mut members: Members, delivery: TokenDelivery) -> Result<Self, Problem> {
        let (by_key, by_id) = (members.has("user_key"), members.has("user_id"));
        if by_key && by_id {
            return Err(Problem::InvalidRequest("name the user by `user_key` or by `user_id`, not both"));
        }
        let body = delivery == TokenDelivery::Body;
        let credentials = Self {
            user_id: (!by_key).then(|| members.required("user_id")),
            user_key: by_key.then(|| members.required("user_key")),
            user_secret: members.required_secret("user_secret"),
            device_token: body.then(|| members.optional("device_token")).flatten(),
        };
        members.finish()?;
        Ok(credentials)
    }
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
        let credentials = Credentials::read(request.json()?, application.delivery)?;
        let (name, written) = match (credentials.user_key, credentials.user_id) {
            (Some(key), _) => (Name::Key(key.parse().ok()), key),
            (None, id) => {
                let id = id.unwrap_or_default();
                (Name::Id(UserId::parse(&id).ok()), id)
            }
        };
        let password = Password::new(credentials.user_secret.into_exposed());
        let devices = match application.delivery {
            TokenDelivery::Body => credentials.device_token.into_iter().collect(),
            TokenDelivery::Cookie => cookies.devices(request.headers()),
        };
        Ok(Self { name, written, password, devices })
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
