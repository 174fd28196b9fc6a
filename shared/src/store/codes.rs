//! Codes, of the flows table: what an application gets at the end of a sign-in at a provider, to exchange it.
//!
//! What the items hold stands at the head of [`super::flows`]. A code works once (RFC 6749 §4.1.2), and is used up by the transaction that
//! does what it is good for: so there is a session exactly if a code says that it was exchanged for it, and a request that failed has used
//! nothing up.

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem, Update};

use super::{
    Flows, Sessions, StoreError,
    flows::{read_challenge, read_purpose, read_session},
    item::{Item, Reader, moment, string},
    session_item,
    transaction::{all_or_nothing, unbuilt},
};
use crate::{
    flow::{CODE_LIFETIME, CodeChallenge, Grant, Hashed, Purpose},
    identity::{Assertion, Email},
    ids::{ApplicationId, SessionRef},
    session::Session,
    world::{Timestamp, World},
};

/// A code, and all that must come with it.
pub struct Presented {
    /// The code.
    pub code: Hashed,
    /// Who presents it.
    pub application_id: ApplicationId,
    /// For what.
    pub purpose: Purpose,
    /// Whose verifier came with it.
    pub challenge: CodeChallenge,
}

/// What a code is worth.
#[derive(Debug)]
pub enum Found {
    /// This: who signed in.
    Assertion(Assertion),
    /// Nothing any more: it was used up, for this session if for any.
    Used(Option<SessionRef>),
    /// Nothing: it is no code, or not for this application, purpose and verifier, or too old.
    Nothing,
}

/// Once a code is used up, nobody needs to know who signed in.
const FORGET: &str = "REMOVE provider, issuer, subject, email, email_verified, trusted_for_email";

/// The write that uses a code up, to be done together with what it is good for.
pub struct Redemption(pub(super) TransactWriteItem);

impl Flows {
    /// Stores what stands behind a code that is issued now.
    pub async fn issue(&self, grant: &Grant, code: &Hashed, now: Timestamp) -> Result<(), StoreError> {
        let Assertion { provider, issuer, subject, email, trusted_for_email } = &grant.assertion;
        let mut item = Item::from([
            ("pk".into(), string(code_pk(code))),
            ("application_id".into(), string(grant.application_id)),
            ("purpose".into(), string(grant.purpose.as_str())),
            ("challenge".into(), string(grant.challenge.as_str())),
            ("provider".into(), string(provider)),
            ("issuer".into(), string(issuer)),
            ("subject".into(), string(subject)),
            ("trusted_for_email".into(), AttributeValue::Bool(*trusted_for_email)),
        ]);
        if let Some(email) = email {
            item.insert("email".into(), string(&email.address));
            item.insert("email_verified".into(), AttributeValue::Bool(email.verified));
        }
        self.put(item, now.plus(CODE_LIFETIME)).await
    }

    /// What a code is worth now.
    pub async fn find_code(&self, presented: &Presented, now: Timestamp) -> Result<Found, StoreError> {
        let Self(table) = self;
        let pk = code_pk(&presented.code);
        let get = table.client.get_item().table_name(&table.name).key("pk", string(&pk)).consistent_read(true);
        let answer = get.send().await.map_err(|error| StoreError::from_sdk("GetItem", error))?;
        let Some(item) = answer.item else { return Ok(Found::Nothing) };
        let reader = Reader::new(&table.name, pk, &item);
        reader.check_schema()?;
        let good = reader.moment("expires_at")? > now
            && reader.parsed::<ApplicationId>("application_id")? == presented.application_id
            && read_purpose(&reader)? == presented.purpose
            && read_challenge(&reader)? == presented.challenge;
        Ok(match (good, reader.has("redeemed_at")) {
            (false, _) => Found::Nothing,
            (true, true) => Found::Used(read_session(&reader, "session")?),
            (true, false) => Found::Assertion(read_assertion(&reader)?),
        })
    }

    /// Uses a code up for nothing, since what it was presented for can't be done.
    pub async fn spend(&self, code: &Redemption, world: &impl World) -> Result<(), StoreError> {
        all_or_nothing(&self.0, vec![code.0.clone()], world).await.map(drop)
    }

    /// Uses a code up that was found good, for `session` if for any, unless somebody else just did.
    ///
    /// # Errors
    ///
    /// If the write can't be put together.
    pub fn redemption(
        &self,
        presented: &Presented,
        session: Option<SessionRef>,
        now: Timestamp,
    ) -> Result<Redemption, StoreError> {
        let Self(table) = self;
        let update = Update::builder()
            .table_name(&table.name)
            .key("pk", string(code_pk(&presented.code)))
            .condition_expression(
                "expires_at > :now AND attribute_not_exists(redeemed_at) AND application_id = :application \
                 AND purpose = :purpose AND challenge = :challenge",
            )
            .expression_attribute_values(":now", moment(now))
            .expression_attribute_values(":application", string(presented.application_id))
            .expression_attribute_values(":purpose", string(presented.purpose.as_str()))
            .expression_attribute_values(":challenge", string(presented.challenge.as_str()));
        let update = match session {
            None => update.update_expression(format!("SET redeemed_at = :now {FORGET}")),
            Some(session) => update
                .update_expression(format!("SET redeemed_at = :now, #session = :session {FORGET}"))
                .expression_attribute_names("#session", "session")
                .expression_attribute_values(":session", string(session)),
        };
        Ok(Redemption(TransactWriteItem::builder().update(update.build().map_err(unbuilt)?).build()))
    }
}

impl Sessions {
    /// Stores a new session and uses up the code that it comes of, both or neither. False if the code was used up meanwhile.
    pub async fn begin_by(
        &self,
        session: &Session,
        redemption: &Redemption,
        world: &impl World,
    ) -> Result<bool, StoreError> {
        let Self(table) = self;
        let put = Put::builder().table_name(&table.name).set_item(Some(session_item::write(session)));
        let put = put.condition_expression("attribute_not_exists(session_id)").build().map_err(unbuilt)?;
        let put = TransactWriteItem::builder().put(put).build();
        all_or_nothing(table, vec![redemption.0.clone(), put], world).await
    }
}

fn code_pk(code: &Hashed) -> String {
    format!("code#{}", code.as_str())
}

fn read_assertion(reader: &Reader<'_>) -> Result<Assertion, StoreError> {
    let email = reader.optional_text("email")?.map(str::to_owned);
    let email = email.map(|address| Ok(Email { address, verified: reader.flag("email_verified")? })).transpose()?;
    Ok(Assertion {
        provider: reader.text("provider")?.to_owned(),
        issuer: reader.text("issuer")?.to_owned(),
        subject: reader.text("subject")?.to_owned(),
        email,
        trusted_for_email: reader.flag("trusted_for_email")?,
    })
}
