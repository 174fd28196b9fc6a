//! Identities at providers, of the users table: each signs in one user, and a user is never left without a way to sign in.
//!
//! An identity is unique as a name is: its item is put by the transaction that writes it into the account, on the condition that
//! it is not there. The account's own list is replaced on the condition that it still is what was read.

use aws_sdk_dynamodb::types::{AttributeValue, Delete, TransactWriteItem, Update};

use super::{
    Redemption, StoreError, Table, Users,
    item::string,
    transaction::{all_or_nothing, put_new, unbuilt},
    user_item::{self, account_pk, email_pk, identity_pk, pointer},
};
use crate::{
    identity::{IdentityId, LinkedIdentity},
    ids::UserKey,
    user::User,
    world::World,
};

impl Users {
    /// Whom the identity `id` signs in.
    pub async fn find_by_identity(&self, id: &IdentityId) -> Result<Option<UserKey>, StoreError> {
        self.find_pointer(identity_pk(id)).await
    }

    /// Who had the address first, of those for whom somebody vouched that it is theirs.
    pub async fn find_by_verified_email(&self, address: &str) -> Result<Option<UserKey>, StoreError> {
        self.find_pointer(email_pk(address)).await
    }

    /// Stores a new account that comes by identities: it and they, all or nothing; and the claim to its address if `claims_email`.
    /// False if one of the identities signs somebody in already, or somebody has the address: nothing is written then.
    pub async fn welcome(&self, user: &User, claims_email: bool, world: &impl World) -> Result<bool, StoreError> {
        let Self(table) = self;
        let identities = user.identities.iter().map(|identity| identity_pk(&identity.id()));
        let email = user.email.as_deref().filter(|_| claims_email).map(email_pk);
        let pointers = identities.chain(email).map(|pk| put_new(table, pointer(pk, user.key)));
        let account = put_new(table, user_item::write(user));
        all_or_nothing(table, pointers.chain([account]).collect::<Result<_, _>>()?, world).await
    }

    /// Lets `identity` sign `user` in too, and uses up the code that proves it, if one does. False if it signs in somebody already, the
    /// user's identities have changed since they were read, or the code was used up.
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
        let writes = writes.chain([pointer, replace_identities(table, user, &identities)?]).collect();
        all_or_nothing(table, writes, world).await
    }

    /// Lets the identity `id` no longer sign `user` in. False if the user's identities or password have changed since they were
    /// read.
    pub async fn unlink(&self, user: &User, id: &IdentityId, world: &impl World) -> Result<bool, StoreError> {
        let Self(table) = self;
        let delete = Delete::builder()
            .table_name(&table.name)
            .key("pk", string(identity_pk(id)))
            .condition_expression("user_key = :user")
            .expression_attribute_values(":user", string(user.key))
            .build()
            .map_err(unbuilt)?;
        let delete = TransactWriteItem::builder().delete(delete).build();
        let left: Vec<_> = user.identities.iter().filter(|identity| identity.id() != *id).cloned().collect();
        all_or_nothing(table, vec![delete, replace_identities(table, user, &left)?], world).await
    }

    /// Writes down that the address of `user` is theirs, and claims it unless somebody has it already. False if the account's address
    /// has changed since it was read.
    pub async fn vouch_for_email(
        &self,
        user: &User,
        claims_email: bool,
        world: &impl World,
    ) -> Result<bool, StoreError> {
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
        let mut writes = vec![TransactWriteItem::builder().update(account).build()];
        if claims_email {
            writes.push(put_new(table, pointer(email_pk(email), user.key))?);
        }
        all_or_nothing(table, writes, world).await
    }
}

/// Replaces the identities of `user`, if they are as they were read; a user without any must have a password.
fn replace_identities(table: &Table, user: &User, new: &[LinkedIdentity]) -> Result<TransactWriteItem, StoreError> {
    let update = Update::builder().table_name(&table.name).key("pk", string(account_pk(user.key)));
    let unchanged = if user.identities.is_empty() {
        "attribute_exists(pk) AND attribute_not_exists(identities)"
    } else {
        "identities = :old"
    };
    let update = if user.identities.is_empty() {
        update
    } else {
        update.expression_attribute_values(":old", user_item::identities(&user.identities))
    };
    let update = if new.is_empty() {
        update
            .condition_expression(format!("{unchanged} AND attribute_exists(password_hash)"))
            .update_expression("REMOVE identities")
    } else {
        update
            .condition_expression(unchanged)
            .update_expression("SET identities = :new")
            .expression_attribute_values(":new", user_item::identities(new))
    };
    Ok(TransactWriteItem::builder().update(update.build().map_err(unbuilt)?).build())
}
