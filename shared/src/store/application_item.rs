//! An application's item.
//!
//! | item | attribute | type | holds |
//! |---|---|---|---|
//! | `app#<application_id>` | `pk` | S | partition key |
//! | | `schema`, `version` | N | 1; counts changes, so that two editors don't overwrite each other |
//! | | `application_id`, `name`, `audience` | S | the last may be absent |
//! | | `access_seconds`, `idle_seconds`, `absolute_seconds`, `grace_seconds` | N | lifetimes |
//! | | `rotation`, `recovery` | BOOL | the refresh protocol's switches |
//! | | `delivery` | S | `body` or `cookie` |
//! | | `allowed_origins` | L of S | exact origins |
//! | | `allowed_return_to` | L of S | exact addresses; absent in older items, for none |
//! | | `default_permissions` | S | space separated; absent in older items, for none |
//! | | `keys` | L of M | `kind` S, `sha256` S (hexadecimal), `created_at` N |
//! | | `created_at` | N | seconds since the epoch |

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;

use super::{
    StoreError,
    item::{Item, Reader, SCHEMA, moment, number, string},
};
use crate::{
    api_key::{KeyHash, KeyKind},
    application::{Application, StoredKey, TokenDelivery},
    ids::ApplicationId,
    protocol::RefreshPolicy,
};

/// The partition key of application `id`.
pub(super) fn pk(id: ApplicationId) -> String {
    format!("app#{id}")
}

/// The application that `item` of `table` holds, and its version.
pub(super) fn read(table: &str, item: &Item) -> Result<(Application, u64), StoreError> {
    let key = item.get("pk").and_then(|value| value.as_s().ok()).map_or("?", String::as_str);
    let reader = Reader::new(table, key, item);
    reader.check_schema()?;
    let seconds = |attribute| reader.number(attribute).map(Duration::from_secs);
    let application = Application {
        id: reader.parsed("application_id")?,
        name: reader.text("name")?.to_owned(),
        audience: reader.optional_text("audience")?.map(str::to_owned),
        access_lifetime: seconds("access_seconds")?,
        refresh: RefreshPolicy {
            rotation: reader.flag("rotation")?,
            grace: seconds("grace_seconds")?,
            recovery: reader.flag("recovery")?,
            idle: seconds("idle_seconds")?,
            absolute: seconds("absolute_seconds")?,
        },
        delivery: match reader.text("delivery")? {
            "body" => TokenDelivery::Body,
            "cookie" => TokenDelivery::Cookie,
            _ => return Err(reader.corrupt("delivery")),
        },
        allowed_origins: read_texts(&reader, "allowed_origins")?,
        allowed_return_to: if reader.has("allowed_return_to") {
            read_texts(&reader, "allowed_return_to")?
        } else {
            Vec::new()
        },
        default_permissions: reader
            .permissions(reader.optional_text("default_permissions")?.unwrap_or_default(), "default_permissions")?,
        created_at: reader.moment("created_at")?,
        keys: reader.maps("keys")?.iter().map(read_key).collect::<Result<_, _>>()?,
    };
    Ok((application, reader.number("version")?))
}

fn read_texts(reader: &Reader<'_>, attribute: &'static str) -> Result<Vec<String>, StoreError> {
    let text = |value: &AttributeValue| value.as_s().cloned().map_err(|_| reader.corrupt(attribute));
    reader.list(attribute)?.iter().map(text).collect()
}

fn read_key(reader: &Reader<'_>) -> Result<StoredKey, StoreError> {
    Ok(StoredKey {
        kind: match reader.text("kind")? {
            "publishable" => KeyKind::Publishable,
            "secret" => KeyKind::Secret,
            _ => return Err(reader.corrupt("kind")),
        },
        hash: KeyHash::from_hex(reader.text("sha256")?).ok_or_else(|| reader.corrupt("sha256"))?,
        created_at: reader.moment("created_at")?,
    })
}

/// The item that holds `application` as `version`.
pub(super) fn write(application: &Application, version: u64) -> Item {
    let refresh = &application.refresh;
    let origins = application.allowed_origins.iter().map(string).collect();
    let addresses = application.allowed_return_to.iter().map(string).collect();
    let keys = application.keys.iter().map(write_key).collect();
    let mut item = Item::from([
        ("pk".into(), string(pk(application.id))),
        ("schema".into(), number(SCHEMA)),
        ("version".into(), number(version)),
        ("application_id".into(), string(application.id)),
        ("name".into(), string(&application.name)),
        ("access_seconds".into(), number(application.access_lifetime.as_secs())),
        ("idle_seconds".into(), number(refresh.idle.as_secs())),
        ("absolute_seconds".into(), number(refresh.absolute.as_secs())),
        ("grace_seconds".into(), number(refresh.grace.as_secs())),
        ("rotation".into(), AttributeValue::Bool(refresh.rotation)),
        ("recovery".into(), AttributeValue::Bool(refresh.recovery)),
        ("delivery".into(), string(application.delivery)),
        ("allowed_origins".into(), AttributeValue::L(origins)),
        ("allowed_return_to".into(), AttributeValue::L(addresses)),
        ("default_permissions".into(), string(&application.default_permissions)),
        ("keys".into(), AttributeValue::L(keys)),
        ("created_at".into(), moment(application.created_at)),
    ]);
    if let Some(audience) = &application.audience {
        item.insert("audience".into(), string(audience));
    }
    item
}

fn write_key(key: &StoredKey) -> AttributeValue {
    AttributeValue::M(Item::from([
        ("kind".into(), string(key.kind)),
        ("sha256".into(), string(key.hash.to_hex())),
        ("created_at".into(), moment(key.created_at)),
    ]))
}
