//! Identities at providers, of the users table: each signs in one user, and a user is never left without a way to sign in.
//!
//! An identity is unique as a name is: its item is put by the transaction that writes it into the account, on the condition that
//! it is not there. The account's own list is replaced on the condition that it still is what was read.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem, Update};

use super::{
    Redemption, StoreError, Table, Users,
    item::{number, string},
    transaction::{all_or_nothing, put_new, unbuilt},
    user_item::{self, account_pk, email_pk, identity_pk, pointer},
};
use crate::{
    identity::{IdentityId, LinkedIdentity, is_same_address},
    ids::UserKey,
    user::User,
    world::World,
};

impl Users {
    /// Whom the identity `id` signs in.
    pub async fn find_by_identity(&self, id: &IdentityId) -> Result<Option<UserKey>, StoreError> {
        self.find_pointer(identity_pk(id)).await
    }

    /// Who has the address, as somebody has vouched.
    pub async fn find_by_verified_email(&self, address: &str) -> Result<Option<UserKey>, StoreError> {
        self.find_pointer(email_pk(address)).await
    }

    /// Lets `identity` sign `user` in too, and uses up the code that proves it, if one does. False if it signs in somebody already, the
    /// user's identities have changed since they were read, as has whether the account may be used, or the code was used up.
    pub async fn link(
        &self,
        user: &User,
        identity: LinkedIdentity,
        proof: Option<&Redemption>,
        world: &impl World,
    ) -> Result<bool, StoreError> {
        let Self(table) = self;
        let pointer = put_new(table, pointer(identity_pk(&identity.id()), user.key))?;
        let mut identities = user.identities.clone();
        identities.push(identity);
        let writes = proof.map(|proof| proof.0.clone()).into_iter();
        let writes = writes.chain([pointer, replace_identities(table, user, &identities, false)?]).collect();
        all_or_nothing(table, writes, world).await
    }

    /// Lets `identity` no longer sign `user` in, and withdraws the word for the account's address if it came with it. False if the user's
    /// identities, password or address have changed since they were read.
    pub async fn unlink(&self, user: &User, identity: &LinkedIdentity, world: &impl World) -> Result<bool, StoreError> {
        let Self(table) = self;
        let left: Vec<_> = user.identities.iter().filter(|other| *other != identity).cloned().collect();
        let told = |identity: &LinkedIdentity| {
            let both = identity.email.as_deref().filter(|_| identity.vouched).zip(user.email.as_deref());
            both.is_some_and(|(told, own)| is_same_address(told, own))
        };
        let withdrawn =
            user.email.as_deref().filter(|_| user.email_verified && told(identity) && !left.iter().any(told));
        let mut writes = vec![delete_pointer(table, identity_pk(&identity.id()), user)?];
        if let Some(email) = withdrawn {
            writes.push(delete_pointer(table, email_pk(email), user)?);
        }
        writes.push(replace_identities(table, user, &left, withdrawn.is_some())?);
        all_or_nothing(table, writes, world).await
    }

    /// Writes down that the address of `user` is theirs. False if it is somebody's already, or the account's address has changed since it
    /// was read.
    pub async fn vouch_for_email(&self, user: &User, world: &impl World) -> Result<bool, StoreError> {
        let Self(table) = self;
        let Some(email) = &user.email else { return Ok(false) };
        let account = Update::builder()
            .table_name(&table.name)
            .key("pk", string(account_pk(user.key)))
            .condition_expression("email = :email")
            .update_expression("SET email_verified = :yes")
            .expression_attribute_values(":email", string(email))
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .build()
            .map_err(unbuilt)?;
        let claim = put_new(table, pointer(email_pk(email), user.key))?;
        all_or_nothing(table, vec![TransactWriteItem::builder().update(account).build(), claim], world).await
    }
}

/// Deletes the item `pk`, which must lead to `user`.
fn delete_pointer(table: &Table, pk: String, user: &User) -> Result<TransactWriteItem, StoreError> {
    let delete = Delete::builder()
        .table_name(&table.name)
        .key("pk", string(pk))
        .condition_expression("user_key = :user")
        .expression_attribute_values(":user", string(user.key))
        .build()
        .map_err(unbuilt)?;
    Ok(TransactWriteItem::builder().delete(delete).build())
}

/// Replaces the identities of `user`, if they, the status and the epoch are as they were read: nobody links to an account that was
/// disabled, or whose sessions were all ended, meanwhile. A user without any must have a password.
fn replace_identities(
    table: &Table,
    user: &User,
    new: &[LinkedIdentity],
    withdraws_email: bool,
) -> Result<TransactWriteItem, StoreError> {
    let update = Update::builder()
        .table_name(&table.name)
        .key("pk", string(account_pk(user.key)))
        .expression_attribute_names("#status", "status")
        .expression_attribute_values(":status", string(user.status))
        .expression_attribute_values(":epoch", number(user.epoch));
    let (unchanged, update) = if user.identities.is_empty() {
        ("attribute_not_exists(identities)", update)
    } else {
        let old = user_item::identities(&user.identities);
        ("identities = :old", update.expression_attribute_values(":old", old))
    };
    let mut condition = format!("#status = :status AND epoch = :epoch AND {unchanged}");
    let mut removed: Vec<_> = withdraws_email.then_some("email_verified").into_iter().collect();
    let (set, update) = if new.is_empty() {
        condition.push_str(" AND attribute_exists(password_hash)");
        removed.push("identities");
        ("", update)
    } else {
        ("SET identities = :new ", update.expression_attribute_values(":new", user_item::identities(new)))
    };
    let remove = if removed.is_empty() { String::new() } else { format!("REMOVE {}", removed.join(", ")) };
    let update = update.condition_expression(condition).update_expression(format!("{set}{remove}"));
    Ok(TransactWriteItem::builder().update(update.build().map_err(unbuilt)?).build())
}
