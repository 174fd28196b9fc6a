//! Sessions.
//!
//! What an item holds stands at the head of [`super::session_item`].

use std::time::Duration;

use aws_sdk_dynamodb::{
    operation::{
        put_item::PutItemError,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure},
};

use super::{
    StoreError, Table,
    item::{Item, Reader, moment, number, string},
    session_item,
};
use crate::{
    access_token::LEEWAY,
    application::Application,
    ids::{ApplicationId, SessionId, UserKey},
    protocol::{Position, RefreshPolicy},
    refresh_token::RefreshToken,
    session::{Device, RevocationReason, Session},
    world::Timestamp,
};

/// How long a revoked session's item is kept: longer than any access token of it can live. After that its absence says
/// the same, since a session that is not there is over.
const REVOKED_FOR: Duration = Duration::from_secs(Application::MAX_ACCESS_LIFETIME.as_secs() + 2 * LEEWAY.as_secs());

/// The sessions table.
#[derive(Debug, Clone)]
pub struct Sessions(pub(super) Table);

/// What became of a conditional write.
#[derive(Debug)]
pub enum Written {
    /// It was done; the session as it is now.
    Done(Session),
    /// Its condition did not hold; the session as it was found, if there is one.
    Refused(Option<Session>),
}

/// What became of a wish to end a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was not ended before.
    Now,
    /// It was over already, or is not there.
    Before,
    /// It is another application's, and goes on.
    OtherApplication,
}

impl Sessions {
    pub(super) const fn new(table: Table) -> Self {
        Self(table)
    }

    /// Case A of the protocol, and the only place where its expression stands: replaces the token's position by its
    /// successor's, if the token is the newest one of a living session of `application`.
    ///
    /// One write, which the SDK may repeat: a repetition of a write that arrived finds itself as the predecessor in the
    /// window, and is answered with the same successor. Without a window, an acknowledgement that gets lost is like any
    /// answer that does: the price of the strict profile.
    pub async fn rotate(
        &self,
        token: &RefreshToken,
        application: ApplicationId,
        policy: &RefreshPolicy,
        device: &Device,
        now: Timestamp,
    ) -> Result<Written, StoreError> {
        let Position { generation, branch } = token.position;
        // Without a next one, the session is as good as gone.
        let Some(next) = token.position.successor() else { return Ok(Written::Refused(None)) };
        let update = self
            .update(token.user_key, token.session_id)
            .condition_expression(
                "generation = :generation AND branch = :branch AND attribute_not_exists(revoked_at) \
                 AND expires_at > :now AND absolute_expires_at > :now AND application_id = :application",
            )
            .expression_attribute_values(":generation", number(generation))
            .expression_attribute_values(":branch", number(branch))
            .expression_attribute_values(":next", number(next.generation))
            .expression_attribute_values(":zero", number(next.branch));
        let set = "SET generation = :next, branch = :zero, previous_branch = :branch";
        self.advance(update, set, token.absolute_expires_at, application, policy, device, now).await
    }

    /// Case C: displaces the successor of `late` that nobody received, if it still is as `seen`.
    pub async fn displace(
        &self,
        late: &RefreshToken,
        seen: &Session,
        policy: &RefreshPolicy,
        device: &Device,
        now: Timestamp,
    ) -> Result<Written, StoreError> {
        let Position { generation, branch } = seen.position;
        let update = self
            .update(late.user_key, late.session_id)
            .condition_expression(
                "generation = :generation AND branch = :branch AND previous_branch = :late \
                 AND attribute_not_exists(revoked_at) \
                 AND expires_at > :now AND absolute_expires_at > :now AND application_id = :application",
            )
            .expression_attribute_values(":generation", number(generation))
            .expression_attribute_values(":branch", number(branch))
            .expression_attribute_values(":late", number(late.position.branch))
            .expression_attribute_values(":next", number(seen.position.sibling().branch));
        let set = "SET branch = :next";
        self.advance(update, set, late.absolute_expires_at, seen.application_id, policy, device, now).await
    }

    /// What both writes share: the sliding expiry, the device, and an answer that shows the item either way.
    #[expect(clippy::too_many_arguments, reason = "two writes are one expression but for their first clause")]
    async fn advance(
        &self,
        update: UpdateItemFluentBuilder,
        set: &str,
        absolute: Timestamp,
        application: ApplicationId,
        policy: &RefreshPolicy,
        device: &Device,
        now: Timestamp,
    ) -> Result<Written, StoreError> {
        let mut assignments = vec![format!("{set}, rotated_at = :now, expires_at = :expires")];
        let mut update = update
            .expression_attribute_values(":now", moment(now))
            .expression_attribute_values(":expires", moment(policy.idle_end(now, absolute)))
            .expression_attribute_values(":application", string(application));
        for (name, value) in [("user_agent", &device.user_agent), ("source_ip", &device.source_ip)] {
            if let Some(value) = value {
                assignments.push(format!("{name} = :{name}"));
                update = update.expression_attribute_values(format!(":{name}"), string(value));
            }
        }
        self.write(update.update_expression(assignments.join(", "))).await
    }

    /// Ends a session, or only one of `application`: the item becomes the revocation's entry, and vanishes when no access
    /// token can be left. Ending it again, or one that is gone, changes nothing.
    pub async fn end(
        &self,
        user_key: UserKey,
        session_id: SessionId,
        application: Option<ApplicationId>,
        reason: RevocationReason,
        now: Timestamp,
    ) -> Result<Ended, StoreError> {
        let living = "attribute_exists(session_id) AND attribute_not_exists(revoked_at)";
        let mut update = self.update(user_key, session_id);
        if let Some(application) = application {
            update = update.expression_attribute_values(":application", string(application));
        }
        let update = update
            .condition_expression(match application {
                Some(_) => format!("{living} AND application_id = :application"),
                None => living.to_owned(),
            })
            .update_expression("SET revoked_at = :now, revoked_reason = :reason, expires_at = :gone")
            .expression_attribute_values(":now", moment(now))
            .expression_attribute_values(":reason", string(reason.as_str()))
            .expression_attribute_values(":gone", moment(now.plus(REVOKED_FOR)));
        match update.return_values(ReturnValue::None).send().await {
            Ok(_) => Ok(Ended::Now),
            Err(error) => match error.as_service_error() {
                // Ending must work for any item, one that can't be read included.
                Some(UpdateItemError::ConditionalCheckFailedException(failure)) => {
                    let owner = failure.item().and_then(|item| item.get("application_id")?.as_s().ok());
                    let foreign =
                        application.is_some_and(|application| owner.is_some_and(|id| *id != application.to_string()));
                    Ok(if foreign { Ended::OtherApplication } else { Ended::Before })
                }
                _ => Err(StoreError::from_sdk("UpdateItem", error)),
            },
        }
    }

    /// Stores a new session. Doing so again changes nothing, whatever became of it meanwhile.
    pub async fn begin(&self, session: &Session) -> Result<(), StoreError> {
        let Self(table) = self;
        let put = table
            .client
            .put_item()
            .table_name(&table.name)
            .set_item(Some(session_item::write(session)))
            .condition_expression("attribute_not_exists(session_id)");
        match put.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(StoreError::from_sdk("PutItem", error)),
            },
        }
    }

    /// Reads a session. `consistent` costs twice as much and sees every write that was answered before.
    pub async fn find(
        &self,
        user_key: UserKey,
        session_id: SessionId,
        consistent: bool,
    ) -> Result<Option<Session>, StoreError> {
        let Self(table) = self;
        let answer = table
            .client
            .get_item()
            .table_name(&table.name)
            .key("user_key", string(user_key))
            .key("session_id", string(session_id))
            .consistent_read(consistent)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("GetItem", error))?;
        answer.item().map(|item| self.read(item)).transpose()
    }

    /// All of a user's sessions that are still stored, dead ones included. They are few: sign-in removes what exceeds
    /// the deployment's limit.
    pub async fn list(&self, user_key: UserKey) -> Result<Vec<Session>, StoreError> {
        self.items(user_key, true).await?.iter().map(|item| self.read(item)).collect()
    }

    /// The same for tidying up: a second behind, at half the price, and with `None` for an item that can't be read, which
    /// must not keep its user from signing in.
    pub async fn survey(&self, user_key: UserKey) -> Result<Vec<(SessionId, Option<Session>)>, StoreError> {
        let items = self.items(user_key, false).await?;
        let surveyed = |item: &Item| Some((item.get("session_id")?.as_s().ok()?.parse().ok()?, self.read(item).ok()));
        Ok(items.iter().filter_map(surveyed).collect())
    }

    async fn items(&self, user_key: UserKey, consistent: bool) -> Result<Vec<Item>, StoreError> {
        let Self(table) = self;
        let mut pages = table
            .client
            .query()
            .table_name(&table.name)
            .key_condition_expression("user_key = :user")
            .expression_attribute_values(":user", string(user_key))
            .consistent_read(consistent)
            .into_paginator()
            .send();
        let mut items = Vec::new();
        while let Some(page) = pages.next().await {
            items.extend(page.map_err(|error| StoreError::from_sdk("Query", error))?.items.unwrap_or_default());
        }
        Ok(items)
    }

    /// Removes a session's item. A session that is not there is over.
    pub async fn remove(&self, user_key: UserKey, session_id: SessionId) -> Result<(), StoreError> {
        let Self(table) = self;
        table
            .client
            .delete_item()
            .table_name(&table.name)
            .key("user_key", string(user_key))
            .key("session_id", string(session_id))
            .send()
            .await
            .map(drop)
            .map_err(|error| StoreError::from_sdk("DeleteItem", error))
    }

    fn update(&self, user_key: UserKey, session_id: SessionId) -> UpdateItemFluentBuilder {
        let Self(table) = self;
        table
            .client
            .update_item()
            .table_name(&table.name)
            .key("user_key", string(user_key))
            .key("session_id", string(session_id))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    async fn write(&self, update: UpdateItemFluentBuilder) -> Result<Written, StoreError> {
        match update.send().await {
            Ok(answer) => match answer.attributes() {
                Some(item) => self.read(item).map(Written::Done),
                None => Err(Reader::new(&self.0.name, "", &Item::new()).corrupt("session_id")),
            },
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failure)) => {
                    failure.item().map(|item| self.read(item)).transpose().map(Written::Refused)
                }
                _ => Err(StoreError::from_sdk("UpdateItem", error)),
            },
        }
    }

    fn read(&self, item: &Item) -> Result<Session, StoreError> {
        session_item::read(&self.0.name, item)
    }
}
