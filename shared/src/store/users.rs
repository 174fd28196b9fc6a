//! Users.
//!
//! What the items hold stands at the head of [`super::user_item`].
//!
//! A name is unique because its item is put by the same transaction as the account, on the condition that it is not
//! there; no index is asked, since an index lags. Identities and verified addresses, likewise ([`super::identities`]).

use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder};

use super::{
    StoreError, Table,
    item::{Item, Reader, number, string},
    transaction::{all_or_nothing, put_new},
    user_item::{self, account_pk, email_pk, identity_pk, name_pk, pointer},
};
use crate::{
    ids::UserKey,
    password::PasswordHash,
    user::{Permissions, Status, User},
    user_id::UserId,
    world::World,
};

/// The users table.
#[derive(Debug, Clone)]
pub struct Users(pub(super) Table);

impl Users {
    pub(super) const fn new(table: Table) -> Self {
        Self(table)
    }

    /// Reads an account, strongly consistent: what disables it works at once.
    pub async fn find(&self, key: UserKey) -> Result<Option<User>, StoreError> {
        self.read_account(key, true).await
    }

    /// As [`Users::find`]; eventually consistent reads cost half and may be a second behind.
    pub async fn read_account(&self, key: UserKey, consistent: bool) -> Result<Option<User>, StoreError> {
        let item = self.get(account_pk(key), consistent).await?;
        item.map(|item| user_item::read(&self.0.name, key, &item)).transpose()
    }

    /// Whose name `id` is.
    pub async fn find_key(&self, id: &UserId) -> Result<Option<UserKey>, StoreError> {
        self.find_pointer(name_pk(id.as_str())).await
    }

    /// Whose the item `pk` says that it is.
    pub(super) async fn find_pointer(&self, pk: String) -> Result<Option<UserKey>, StoreError> {
        let item = self.get(pk.clone(), true).await?;
        item.map(|item| Reader::new(&self.0.name, pk, &item).parsed("user_key")).transpose()
    }

    /// Stores a new account, and what leads to it: its name, its identities, and its address if somebody has vouched for that. All of it,
    /// or nothing: false if any of them is somebody's already.
    pub async fn register(&self, user: &User, world: &impl World) -> Result<bool, StoreError> {
        let Self(table) = self;
        let name = user.user_id.as_deref().map(name_pk);
        let email = user.email.as_deref().filter(|_| user.email_verified).map(email_pk);
        let identities = user.identities.iter().map(|identity| identity_pk(&identity.id()));
        let pointers = name.into_iter().chain(email).chain(identities);
        let writes =
            pointers.map(|pk| put_new(table, pointer(pk, user.key))).chain([put_new(table, user_item::write(user))]);
        all_or_nothing(table, writes.collect::<Result<_, _>>()?, world).await
    }

    /// Replaces the password's hash by a better one of the same password, unless it has changed meanwhile.
    pub async fn rehash(&self, key: UserKey, old: &PasswordHash, new: &PasswordHash) -> Result<bool, StoreError> {
        self.write(
            self.update(key)
                .condition_expression("password_hash = :old")
                .update_expression("SET password_hash = :new")
                .expression_attribute_values(":old", string(old.expose()))
                .expression_attribute_values(":new", string(new.expose())),
        )
        .await
    }

    /// Ends all of the user's sessions: epoch + 1, one write whatever their number. False if somebody else just did.
    pub async fn end_all_sessions(&self, user: &User) -> Result<bool, StoreError> {
        self.write(
            self.update(user.key)
                .condition_expression("epoch = :epoch")
                .update_expression("SET epoch = :next")
                .expression_attribute_values(":epoch", number(user.epoch))
                .expression_attribute_values(":next", number(user.epoch + 1)),
        )
        .await
    }

    /// Changes the status; disabling raises the epoch, so that enabling later revives nothing. False if the account
    /// changed since it was read.
    pub async fn set_status(&self, user: &User, status: Status) -> Result<bool, StoreError> {
        let next = if status == Status::Disabled { user.epoch + 1 } else { user.epoch };
        self.write(
            self.update(user.key)
                .condition_expression("epoch = :epoch")
                .update_expression("SET epoch = :next, #status = :status")
                .expression_attribute_names("#status", "status")
                .expression_attribute_values(":epoch", number(user.epoch))
                .expression_attribute_values(":next", number(next))
                .expression_attribute_values(":status", string(status)),
        )
        .await
    }

    /// Replaces the permissions. False if somebody else changed them since `user` was read.
    pub async fn set_permissions(&self, user: &User, permissions: &Permissions) -> Result<bool, StoreError> {
        self.write(
            self.update(user.key)
                .condition_expression("#permissions = :old")
                .update_expression("SET #permissions = :new")
                .expression_attribute_names("#permissions", "permissions")
                .expression_attribute_values(":old", string(&user.permissions))
                .expression_attribute_values(":new", string(permissions)),
        )
        .await
    }

    fn update(&self, key: UserKey) -> UpdateItemFluentBuilder {
        let Self(table) = self;
        table.client.update_item().table_name(&table.name).key("pk", string(account_pk(key)))
    }

    /// Whether the condition held.
    async fn write(&self, update: UpdateItemFluentBuilder) -> Result<bool, StoreError> {
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(StoreError::from_sdk("UpdateItem", error)),
            },
        }
    }

    async fn get(&self, pk: String, consistent: bool) -> Result<Option<Item>, StoreError> {
        let Self(table) = self;
        let get = table.client.get_item().table_name(&table.name).key("pk", string(pk)).consistent_read(consistent);
        get.send().await.map(|answer| answer.item).map_err(|error| StoreError::from_sdk("GetItem", error))
    }
}
