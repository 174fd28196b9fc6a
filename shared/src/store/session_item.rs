//! A session's item.
//!
//! | attribute | type | holds |
//! |---|---|---|
//! | `user_key` | S, partition key | whose |
//! | `session_id` | S, sort key | which |
//! | `schema` | N | 1 |
//! | `application_id` | S | the only application that may refresh it |
//! | `epoch` | N | the user's epoch at sign-in |
//! | `generation`, `branch`, `previous_branch` | N | the protocol's G, B, PB; the last is absent before the first rotation |
//! | `method` | S | `pwd` or `fed` |
//! | `created_at`, `rotated_at`, `absolute_expires_at` | N | seconds since the epoch |
//! | `expires_at` | N | the idle limit; once revoked, when the item may vanish. The table's TTL attribute |
//! | `revoked_at`, `revoked_reason` | N, S | absent while the session lives |
//! | `user_agent`, `source_ip` | S | last seen; may be absent |
//!
//! No token is stored, and no hash of one.

use super::{
    StoreError,
    item::{Item, Reader, SCHEMA, moment, number, string},
};
use crate::{
    protocol::Position,
    session::{Method, RevocationReason, Session},
};

/// The session that `item` of `table` holds.
pub(super) fn read(table: &str, item: &Item) -> Result<Session, StoreError> {
    let key = |name| item.get(name).and_then(|value| value.as_s().ok()).map_or("?", String::as_str);
    let reader = Reader::new(table, format!("{}/{}", key("user_key"), key("session_id")), item);
    reader.check_schema()?;
    Ok(Session {
        user_key: reader.parsed("user_key")?,
        session_id: reader.parsed("session_id")?,
        application_id: reader.parsed("application_id")?,
        epoch: reader.number("epoch")?,
        position: Position { generation: reader.number("generation")?, branch: reader.number("branch")? },
        previous_branch: reader.optional_number("previous_branch")?,
        method: Method::from_value(reader.text("method")?).ok_or_else(|| reader.corrupt("method"))?,
        created_at: reader.moment("created_at")?,
        rotated_at: reader.moment("rotated_at")?,
        expires_at: reader.moment("expires_at")?,
        absolute_expires_at: reader.moment("absolute_expires_at")?,
        revoked_at: reader.optional_moment("revoked_at")?,
        revoked_reason: match reader.optional_text("revoked_reason")? {
            Some(value) => Some(RevocationReason::from_value(value).ok_or_else(|| reader.corrupt("revoked_reason"))?),
            None => None,
        },
        user_agent: reader.optional_text("user_agent")?.map(str::to_owned),
        source_ip: reader.optional_text("source_ip")?.map(str::to_owned),
    })
}

/// The item that holds a new `session`.
pub(super) fn write(session: &Session) -> Item {
    let mut item = Item::from([
        ("schema".into(), number(SCHEMA)),
        ("user_key".into(), string(session.user_key)),
        ("session_id".into(), string(session.session_id)),
        ("application_id".into(), string(session.application_id)),
        ("epoch".into(), number(session.epoch)),
        ("generation".into(), number(session.position.generation)),
        ("branch".into(), number(session.position.branch)),
        ("method".into(), string(session.method.as_str())),
        ("created_at".into(), moment(session.created_at)),
        ("rotated_at".into(), moment(session.rotated_at)),
        ("expires_at".into(), moment(session.expires_at)),
        ("absolute_expires_at".into(), moment(session.absolute_expires_at)),
    ]);
    for (name, value) in [("user_agent", &session.user_agent), ("source_ip", &session.source_ip)] {
        if let Some(value) = value {
            item.insert(name.into(), string(value));
        }
    }
    item
}
