//! A user's items.
//!
//! | item | attribute | type | holds |
//! |---|---|---|---|
//! | `user#<user_key>` | `pk` | S | partition key |
//! | | `schema` | N | 1 |
//! | | `user_id`, `email` | S | the normalised name; an address; either may be absent |
//! | | `email_verified` | BOOL | whether somebody has vouched for the address; absent for no |
//! | | `status` | S | `active` or `disabled` |
//! | | `epoch` | N | raised to end all sessions |
//! | | `permissions` | S | space separated |
//! | | `password_hash` | S | PHC string; absent if there is no password |
//! | | `identities` | L of M | `provider`, `issuer`, `subject`, `email` S, `vouched` BOOL, `linked_at` N; absent if there is none |
//! | | `created_at` | N | seconds since the epoch |
//! | `id#<user_id>` | `user_key` | S | whose name it is |
//! | `identity#<identity_id>` | `user_key` | S | whom that identity signs in |
//! | `email#<address>` | `user_key` | S | who has this address, in lower case, and was vouched for: whose `email_verified` is true |

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    StoreError,
    item::{Item, Reader, SCHEMA, moment, number, string},
};
use crate::{
    identity::{IdentityId, LinkedIdentity},
    ids::UserKey,
    password::PasswordHash,
    user::{Status, User},
};

pub(super) fn account_pk(key: UserKey) -> String {
    format!("user#{key}")
}

pub(super) fn name_pk(id: &str) -> String {
    format!("id#{id}")
}

pub(super) fn identity_pk(id: &IdentityId) -> String {
    format!("identity#{id}")
}

/// Two spellings of an address that differ in case are one: providers do not agree about it, and mailboxes that tell them apart
/// are rarer than people who think that they don't ([`crate::identity::is_same_address`]).
pub(super) fn email_pk(address: &str) -> String {
    format!("email#{}", address.to_ascii_lowercase())
}

/// An item that says whose `pk` is.
pub(super) fn pointer(pk: String, key: UserKey) -> Item {
    Item::from([("pk".into(), string(pk)), ("schema".into(), number(SCHEMA)), ("user_key".into(), string(key))])
}

/// The account that `item` of `table` holds. One that nobody could sign in to is refused.
pub(super) fn read(table: &str, key: UserKey, item: &Item) -> Result<User, StoreError> {
    let reader = Reader::new(table, account_pk(key), item);
    reader.check_schema()?;
    let password = reader.optional_text("password_hash")?.map(|hash| PasswordHash::from_stored(hash.to_owned()));
    let identities = if reader.has("identities") { reader.maps("identities")? } else { Vec::new() };
    let identities: Vec<_> = identities.iter().map(read_identity).collect::<Result<_, _>>()?;
    if password.is_none() && identities.is_empty() {
        return Err(reader.corrupt("password_hash"));
    }
    Ok(User {
        key,
        user_id: reader.optional_text("user_id")?.map(str::to_owned),
        email: reader.optional_text("email")?.map(str::to_owned),
        email_verified: reader.has("email_verified") && reader.flag("email_verified")?,
        status: match reader.text("status")? {
            "active" => Status::Active,
            "disabled" => Status::Disabled,
            _ => return Err(reader.corrupt("status")),
        },
        epoch: reader.number("epoch")?,
        permissions: reader.permissions(reader.text("permissions")?, "permissions")?,
        password,
        identities,
        created_at: reader.moment("created_at")?,
    })
}

fn read_identity(reader: &Reader<'_>) -> Result<LinkedIdentity, StoreError> {
    Ok(LinkedIdentity {
        provider: reader.text("provider")?.to_owned(),
        issuer: reader.text("issuer")?.to_owned(),
        subject: reader.text("subject")?.to_owned(),
        email: reader.optional_text("email")?.map(str::to_owned),
        vouched: reader.flag("vouched")?,
        linked_at: reader.moment("linked_at")?,
    })
}

/// The item that holds a new account.
pub(super) fn write(user: &User) -> Item {
    let mut item = Item::from([
        ("pk".into(), string(account_pk(user.key))),
        ("schema".into(), number(SCHEMA)),
        ("status".into(), string(user.status)),
        ("epoch".into(), number(user.epoch)),
        ("permissions".into(), string(&user.permissions)),
        ("created_at".into(), moment(user.created_at)),
    ]);
    let hash = user.password.as_ref().map(PasswordHash::expose);
    for (name, value) in
        [("user_id", user.user_id.as_deref()), ("email", user.email.as_deref()), ("password_hash", hash)]
    {
        if let Some(value) = value {
            item.insert(name.into(), string(value));
        }
    }
    if user.email_verified {
        item.insert("email_verified".into(), AttributeValue::Bool(true));
    }
    if !user.identities.is_empty() {
        item.insert("identities".into(), identities(&user.identities));
    }
    item
}

/// The attribute that holds `all`.
pub(super) fn identities(all: &[LinkedIdentity]) -> AttributeValue {
    AttributeValue::L(all.iter().map(write_identity).collect())
}

fn write_identity(identity: &LinkedIdentity) -> AttributeValue {
    let mut item = Item::from([
        ("provider".into(), string(&identity.provider)),
        ("issuer".into(), string(&identity.issuer)),
        ("subject".into(), string(&identity.subject)),
        ("vouched".into(), AttributeValue::Bool(identity.vouched)),
        ("linked_at".into(), moment(identity.linked_at)),
    ]);
    if let Some(email) = &identity.email {
        item.insert("email".into(), string(email));
    }
    AttributeValue::M(item)
}
