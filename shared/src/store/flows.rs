//! Sign-ins at providers that are under way, and the codes that they end with.
//!
//! | item | attribute | type | holds |
//! |---|---|---|---|
//! | `flow#<sha256(state)>` | `browser` | S | SHA-256 of the browser's secret |
//! | | `provider`, `application_id`, `return_to` | S | where it began and will end |
//! | | `client_state` | S | what the application wants back; may be absent |
//! | | `purpose`, `challenge` | S | `sign_in` or `link`, and the application's code challenge; absent if it ends with cookies |
//! | | `replaces` | S | `<user_key>/<session_id>` that a sign-in with cookies ends; may be absent |
//! | `code#<sha256(code)>` | `application_id`, `purpose`, `challenge` | S | as above |
//! | | `provider`, `issuer`, `subject` | S | who signed in |
//! | | `email`, `email_verified` | S, BOOL | may be absent |
//! | | `trusted_for_email` | BOOL | whether the provider's word for the address is taken |
//! | | `session` | S | `<user_key>/<session_id>` that it was exchanged for |
//! | both | `pk` | S | partition key |
//! | | `schema` | N | 1 |
//! | `flow#…` | `redeemed_by` | S | the attempt that has used it up; absent before |
//! | `code#…` | `redeemed_at` | N | when it was used up; then who signed in is no longer there |
//! | | `expires_at` | N | TTL; what lies behind it is not there, whether or not the item still is |
//!
//! A flow is used up by one conditional write, which says who did it: the SDK's repetition of a write that arrived is no second use.
//! State, browser's secret and code are stored as hashes, and the provider's `nonce` and PKCE verifier not at all.

use aws_sdk_dynamodb::{operation::update_item::UpdateItemError, types::ReturnValue};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    StoreError, Table,
    item::{Item, Reader, SCHEMA, moment, number, string},
};
use crate::{
    flow::{CodeChallenge, FLOW_LIFETIME, Flow, Hashed, Outcome, Purpose},
    ids::SessionRef,
    world::{Timestamp, World},
};

/// The flows table.
#[derive(Debug, Clone)]
pub struct Flows(pub(super) Table);

impl Flows {
    pub(super) const fn new(table: Table) -> Self {
        Self(table)
    }

    /// Stores a flow that begins now in the browser whose secret's hash is `browser`.
    pub async fn begin(&self, flow: &Flow, state: &Hashed, browser: &Hashed, now: Timestamp) -> Result<(), StoreError> {
        let mut item = Item::from([
            ("pk".into(), string(flow_pk(state))),
            ("browser".into(), string(browser.as_str())),
            ("provider".into(), string(&flow.provider)),
            ("application_id".into(), string(flow.application_id)),
            ("return_to".into(), string(&flow.return_to)),
        ]);
        if let Some(state) = &flow.client_state {
            item.insert("client_state".into(), string(state));
        }
        match &flow.outcome {
            Outcome::Session { replaces: None } => {}
            Outcome::Session { replaces: Some(session) } => {
                item.insert("replaces".into(), string(session));
            }
            Outcome::Code { purpose, challenge } => {
                item.insert("purpose".into(), string(purpose.as_str()));
                item.insert("challenge".into(), string(challenge.as_str()));
            }
        }
        self.put(item, now.plus(FLOW_LIFETIME)).await
    }

    /// Uses up the flow `state`, if it began in the browser whose secret's hash is `browser`. In any other browser it is not there,
    /// and goes on.
    pub async fn end(
        &self,
        state: &Hashed,
        browser: &Hashed,
        now: Timestamp,
        world: &impl World,
    ) -> Result<Option<Flow>, StoreError> {
        let pk = flow_pk(state);
        let Self(table) = self;
        let attempt = URL_SAFE_NO_PAD.encode(world.random::<9>());
        let update = table
            .client
            .update_item()
            .table_name(&table.name)
            .key("pk", string(&pk))
            .condition_expression(
                "expires_at > :now AND browser = :browser \
                 AND (attribute_not_exists(redeemed_by) OR redeemed_by = :attempt)",
            )
            .update_expression("SET redeemed_by = :attempt")
            .expression_attribute_values(":attempt", string(attempt))
            .expression_attribute_values(":browser", string(browser.as_str()))
            .expression_attribute_values(":now", moment(now))
            .return_values(ReturnValue::AllNew);
        match update.send().await {
            Ok(answer) => {
                let item = answer.attributes.unwrap_or_default();
                read_flow(&Reader::new(&table.name, pk, &item)).map(Some)
            }
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(None),
                _ => Err(StoreError::from_sdk("UpdateItem", error)),
            },
        }
    }

    pub(super) async fn put(&self, mut item: Item, expires_at: Timestamp) -> Result<(), StoreError> {
        let Self(table) = self;
        item.insert("schema".into(), number(SCHEMA));
        item.insert("expires_at".into(), moment(expires_at));
        let put = table.client.put_item().table_name(&table.name).set_item(Some(item));
        put.send().await.map(drop).map_err(|error| StoreError::from_sdk("PutItem", error))
    }
}

fn flow_pk(state: &Hashed) -> String {
    format!("flow#{}", state.as_str())
}

fn read_flow(reader: &Reader<'_>) -> Result<Flow, StoreError> {
    reader.check_schema()?;
    let outcome = if reader.has("purpose") {
        Outcome::Code { purpose: read_purpose(reader)?, challenge: read_challenge(reader)? }
    } else {
        Outcome::Session { replaces: read_session(reader, "replaces")? }
    };
    Ok(Flow {
        provider: reader.text("provider")?.to_owned(),
        application_id: reader.parsed("application_id")?,
        return_to: reader.text("return_to")?.to_owned(),
        client_state: reader.optional_text("client_state")?.map(str::to_owned),
        outcome,
    })
}

pub(super) fn read_purpose(reader: &Reader<'_>) -> Result<Purpose, StoreError> {
    Purpose::from_value(reader.text("purpose")?).ok_or_else(|| reader.corrupt("purpose"))
}

pub(super) fn read_challenge(reader: &Reader<'_>) -> Result<CodeChallenge, StoreError> {
    CodeChallenge::parse(reader.text("challenge")?).ok_or_else(|| reader.corrupt("challenge"))
}

/// A session that may be named.
pub(super) fn read_session(reader: &Reader<'_>, attribute: &'static str) -> Result<Option<SessionRef>, StoreError> {
    if reader.has(attribute) { reader.parsed(attribute).map(Some) } else { Ok(None) }
}
