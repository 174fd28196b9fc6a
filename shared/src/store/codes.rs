//! Codes, of the flows table: what an application gets at the end of a sign-in at a provider, to exchange it.
//!
//! What the items hold stands at the head of [`super::flows`]. A code works once (RFC 6749 §4.1.2). Used again, by whoever has its
//! verifier too, it ends the session that came of it.

use aws_sdk_dynamodb::{
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue},
};

use super::{
    Flows, StoreError,
    flows::{read_challenge, read_purpose, read_session},
    item::{Item, Reader, moment, string},
};
use crate::{
    flow::{CODE_LIFETIME, CodeChallenge, Grant, Hashed, Purpose},
    identity::{Assertion, Email},
    ids::{ApplicationId, SessionId, UserKey},
    world::{Timestamp, World},
};

/// What became of a code.
#[derive(Debug)]
pub enum Redeemed {
    /// It is used up, just now.
    Now(Grant),
    /// It was used up before, by whoever has its verifier, for this session if for any.
    Before(Option<(UserKey, SessionId)>),
    /// It is no code, or not for this application, purpose and verifier, or too old.
    Never,
}

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

    /// Uses up a code of `application` for `purpose`, whose challenge is `challenge`.
    pub async fn exchange(
        &self,
        code: &Hashed,
        application: ApplicationId,
        purpose: Purpose,
        challenge: &CodeChallenge,
        now: Timestamp,
        world: &impl World,
    ) -> Result<Redeemed, StoreError> {
        let pk = code_pk(code);
        let own = [
            ("application_id = :application", ":application", string(application)),
            ("purpose = :purpose", ":purpose", string(purpose.as_str())),
            ("challenge = :challenge", ":challenge", string(challenge.as_str())),
        ];
        let item = match self.redeem(&pk, &own, now, world).await? {
            Ok(item) => {
                let grant = read_grant(&Reader::new(&self.0.name, pk, &item))?;
                return Ok(Redeemed::Now(grant));
            }
            Err(None) => return Ok(Redeemed::Never),
            Err(Some(item)) => item,
        };
        let reader = Reader::new(&self.0.name, &pk, &item);
        let grant = read_grant(&reader)?;
        let own = reader.moment("expires_at")? > now
            && grant.application_id == application
            && grant.purpose == purpose
            && grant.challenge == *challenge;
        if own && reader.has("redeemed_by") { self.reuse(pk, now).await } else { Ok(Redeemed::Never) }
    }

    /// Marks a code as used again, so that a session which has not begun yet won't: [`Flows::confirm`] fails from now on.
    async fn reuse(&self, pk: String, now: Timestamp) -> Result<Redeemed, StoreError> {
        let Self(table) = self;
        let update = table.client.update_item().table_name(&table.name).key("pk", string(&pk));
        let update = update
            .condition_expression("attribute_exists(pk)")
            .update_expression("SET reused_at = :now")
            .expression_attribute_values(":now", moment(now))
            .return_values(ReturnValue::AllNew);
        match update.send().await {
            Ok(answer) => {
                let item = answer.attributes.unwrap_or_default();
                let session = read_session(&Reader::new(&table.name, pk, &item), "session")?;
                Ok(Redeemed::Before(session))
            }
            Err(error) => match error.as_service_error() {
                // It has vanished meanwhile.
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(Redeemed::Never),
                _ => Err(StoreError::from_sdk("UpdateItem", error)),
            },
        }
    }

    /// Writes down which session a code was exchanged for, once that has begun and before anybody has its tokens. False if the code was
    /// used again meanwhile. Whichever of the two writes comes first, the session is ended: by who used the code again, or by who asks
    /// here.
    pub async fn confirm(&self, code: &Hashed, user: UserKey, session: SessionId) -> Result<bool, StoreError> {
        let Self(table) = self;
        let update = table.client.update_item().table_name(&table.name).key("pk", string(code_pk(code)));
        let update = update
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(reused_at)")
            .update_expression("SET #session = :session")
            .expression_attribute_names("#session", "session")
            .expression_attribute_values(":session", string(format!("{user}/{session}")));
        match update.send().await {
            Ok(_) => Ok(true),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(_)) => Ok(false),
                _ => Err(StoreError::from_sdk("UpdateItem", error)),
            },
        }
    }
}

fn code_pk(code: &Hashed) -> String {
    format!("code#{}", code.as_str())
}

fn read_grant(reader: &Reader<'_>) -> Result<Grant, StoreError> {
    reader.check_schema()?;
    let email = reader.optional_text("email")?.map(str::to_owned);
    let email = email.map(|address| Ok(Email { address, verified: reader.flag("email_verified")? })).transpose()?;
    Ok(Grant {
        application_id: reader.parsed("application_id")?,
        purpose: read_purpose(reader)?,
        challenge: read_challenge(reader)?,
        assertion: Assertion {
            provider: reader.text("provider")?.to_owned(),
            issuer: reader.text("issuer")?.to_owned(),
            subject: reader.text("subject")?.to_owned(),
            email,
            trusted_for_email: reader.flag("trusted_for_email")?,
        },
    })
}
