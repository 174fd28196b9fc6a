//! Counters of attempts.
//!
//! | item | attribute | type | holds |
//! |---|---|---|---|
//! | `account#<user_key>`, `account#<digest of a name>`, `device#<device_id>` | `failures` | N | failures in a row |
//! | | `last_at` | N | when the last of them was counted, seconds since the epoch |
//! | | `attempt` | S | which attempt that was |
//! | `source#<address>#<window>`, `register#<address>#<window>`, `flow#<address>#<window>` | `attempts` | N | attempts in the window that began then |
//! | all | `pk` | S | partition key |
//! | | `schema` | N | 1 |
//! | | `expires_at` | N | TTL; what lies behind it does not count, whether or not the item is still there |
//!
//! An attempt is counted before it is judged, and by the write that asks whether it may be made: however many come at once, no
//! more pass than one after the other would.

use std::time::Duration;

use aws_sdk_dynamodb::{
    operation::{
        delete_item::DeleteItemError,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    StoreError, Table,
    item::{Item, Reader, SCHEMA, moment, number, string},
};
use crate::{
    throttle::{CEILING, Counted, FREE, Guesser, KEPT_FOR, MAX_DELAY, Source, delay, longest_from},
    world::{Timestamp, World},
};

/// The throttles table.
#[derive(Debug, Clone)]
pub struct Throttles(Table);

/// Whether an attempt may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may, and is the `count`th.
    Granted {
        /// How many are counted now.
        count: u32,
    },
    /// It may not, and is not counted.
    Refused {
        /// When one may.
        retry_after: Duration,
        /// Whether the ceiling is reached, so that waiting is no way on.
        locked: bool,
    },
}

impl Admission {
    /// A caller who waits for no time at all would be refused again.
    fn refused(retry_after: Duration, locked: bool) -> Self {
        Self::Refused { retry_after: retry_after.max(Duration::from_secs(1)), locked }
    }
}

impl Throttles {
    pub(super) const fn new(table: Table) -> Self {
        Self(table)
    }

    /// Counts a failure of `guesser` in advance, unless it has to wait. One write; [`Throttles::forgive`] takes it back.
    pub async fn count_failure(
        &self,
        guesser: Guesser,
        now: Timestamp,
        world: &impl World,
    ) -> Result<Admission, StoreError> {
        let attempt = URL_SAFE_NO_PAD.encode(world.random::<9>());
        loop {
            let (item, written) = self.write(self.failure(guesser, &attempt, now)).await?;
            let reader = Reader::new(&self.0.name, guesser, &item);
            let failures = reader.number("failures")?;
            // Refused, but counted already: by a write whose answer got lost.
            if written || reader.text("attempt")? == attempt {
                return Ok(Admission::Granted { count: failures });
            }
            let expires_at = reader.moment("expires_at")?;
            if expires_at > now {
                let locked = failures >= CEILING;
                let free_at = if locked { expires_at } else { reader.moment("last_at")?.plus(delay(failures)) };
                return Ok(Admission::refused(free_at.since(now), locked));
            }
            self.remove_as_it_is(guesser, &item).await?;
        }
    }

    /// The attempt was none: nothing is left of the failures of `guesser`.
    pub async fn forgive(&self, guesser: Guesser) -> Result<(), StoreError> {
        let Self(table) = self;
        let delete = table.client.delete_item().table_name(&table.name).key("pk", string(guesser));
        delete.send().await.map(drop).map_err(|error| StoreError::from_sdk("DeleteItem", error))
    }

    /// Counts an attempt from `source`, unless it has had `limit` in the present window. One write.
    pub async fn count_attempt(
        &self,
        counted: Counted,
        source: Source,
        limit: u32,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        let start = counted.window_start(now);
        let end = start.plus(counted.window());
        let update = self
            .update(format!("{counted}#{source}#{}", start.seconds()))
            .condition_expression("attribute_not_exists(pk) OR attempts < :limit")
            .update_expression(
                "SET attempts = if_not_exists(attempts, :none) + :one, expires_at = :end, #schema = :schema",
            )
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":limit", number(limit))
            .expression_attribute_values(":none", number(0_u64))
            .expression_attribute_values(":one", number(1_u64))
            .expression_attribute_values(":schema", number(SCHEMA))
            .expression_attribute_values(":end", moment(end));
        let (item, written) = self.write(update).await?;
        let count = Reader::new(&self.0.name, source, &item).number("attempts")?;
        Ok(if written { Admission::Granted { count } } else { Admission::refused(end.since(now), false) })
    }

    /// The write that counts a failure if the counter is young, or has waited for as long as its failures demand. Delays only
    /// grow, so each number of failures has its own line.
    fn failure(&self, guesser: Guesser, attempt: &str, now: Timestamp) -> UpdateItemFluentBuilder {
        let mut update = self
            .update(guesser.to_string())
            .update_expression(
                "SET failures = if_not_exists(failures, :none) + :one, last_at = :now, attempt = :attempt, \
                 expires_at = :end, #schema = :schema",
            )
            .expression_attribute_names("#schema", "schema")
            .expression_attribute_values(":none", number(0_u64))
            .expression_attribute_values(":one", number(1_u64))
            .expression_attribute_values(":now", moment(now))
            .expression_attribute_values(":attempt", string(attempt))
            .expression_attribute_values(":end", moment(now.plus(KEPT_FOR)))
            .expression_attribute_values(":schema", number(SCHEMA))
            .expression_attribute_values(":free", number(FREE))
            .expression_attribute_values(":longest", number(longest_from()))
            .expression_attribute_values(":ceiling", number(CEILING))
            .expression_attribute_values(":longest_ago", moment(now.minus(MAX_DELAY)));
        let waits = FREE..longest_from();
        for failures in waits.clone() {
            update = update
                .expression_attribute_values(format!(":n{failures}"), number(failures))
                .expression_attribute_values(format!(":t{failures}"), moment(now.minus(delay(failures))));
        }
        let waited: Vec<_> = waits.map(|n| format!("(failures = :n{n} AND last_at <= :t{n})")).collect();
        update.condition_expression(format!(
            "attribute_not_exists(pk) OR (expires_at > :now AND attempt <> :attempt AND (failures < :free OR {} \
             OR (failures >= :longest AND failures < :ceiling AND last_at <= :longest_ago)))",
            waited.join(" OR ")
        ))
    }

    /// Removes a counter that no longer counts, unless somebody has begun anew.
    async fn remove_as_it_is(&self, guesser: Guesser, item: &Item) -> Result<(), StoreError> {
        let Self(table) = self;
        let delete = table
            .client
            .delete_item()
            .table_name(&table.name)
            .key("pk", string(guesser))
            .condition_expression("attempt = :attempt")
            .set_expression_attribute_values(
                item.get("attempt").map(|old| Item::from([(":attempt".into(), old.clone())])),
            );
        match delete.send().await {
            Ok(_) => Ok(()),
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(()),
                _ => Err(StoreError::from_sdk("DeleteItem", error)),
            },
        }
    }

    fn update(&self, pk: String) -> UpdateItemFluentBuilder {
        let Self(table) = self;
        table
            .client
            .update_item()
            .table_name(&table.name)
            .key("pk", string(pk))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    /// The item afterwards, and whether it was written; otherwise it is the one that was in the way.
    async fn write(&self, update: UpdateItemFluentBuilder) -> Result<(Item, bool), StoreError> {
        match update.send().await {
            Ok(answer) => Ok((answer.attributes.unwrap_or_default(), true)),
            Err(error) => match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failure)) => {
                    Ok((failure.item.clone().unwrap_or_default(), false))
                }
                _ => Err(StoreError::from_sdk("UpdateItem", error)),
            },
        }
    }
}
