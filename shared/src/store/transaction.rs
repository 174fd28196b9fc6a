//! Several writes, all of them or none: `TransactWriteItems`.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::BuildError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{Put, TransactWriteItem},
};

use super::{StoreError, Table, item::Item};
use crate::world::World;

const OPERATION: &str = "TransactWriteItems";

/// How often a transaction that met another one on the same item, or was throttled, is sent: the SDK never repeats it.
const ATTEMPTS: u8 = 4;

/// Reasons for which a transaction is cancelled, and which pass: another one on the same item, and throttling.
const PASSING: [&str; 4] =
    ["ProvisionedThroughputExceeded", "RequestLimitExceeded", "ThrottlingError", "TransactionConflict"];

/// Nothing was written.
pub(super) enum Refusal {
    /// A condition did not hold.
    Condition,
    /// The store failed.
    Store(StoreError),
}

enum Cancelled {
    Passing(StoreError),
    Final(Refusal),
}

/// Puts `item` if there is none of its key.
pub(super) fn put_new(table: &Table, item: Item) -> Result<TransactWriteItem, StoreError> {
    let put = Put::builder().table_name(&table.name).set_item(Some(item));
    let put = put.condition_expression("attribute_not_exists(pk)").build().map_err(unbuilt)?;
    Ok(TransactWriteItem::builder().put(put).build())
}

/// A write of ours lacks a part.
pub(super) fn unbuilt(error: BuildError) -> StoreError {
    StoreError::Rejected { operation: OPERATION, source: error.into() }
}

/// Carries out `writes`.
pub(super) async fn transact(table: &Table, writes: Vec<TransactWriteItem>, world: &impl World) -> Result<(), Refusal> {
    let mut attempt = 1;
    loop {
        match send(table, writes.clone()).await {
            Ok(()) => return Ok(()),
            Err(Cancelled::Final(refusal)) => return Err(refusal),
            Err(Cancelled::Passing(error)) if attempt == ATTEMPTS => return Err(Refusal::Store(error)),
            // The other transaction decides within milliseconds.
            Err(Cancelled::Passing(_)) => {
                let [jitter] = world.random::<1>();
                tokio::time::sleep(Duration::from_millis(u64::from(attempt) * 20 + u64::from(jitter) / 8)).await;
            }
        }
        attempt += 1;
    }
}

/// Whether all of `writes` were done: none is if a condition does not hold.
pub(super) async fn all_or_nothing(
    table: &Table,
    writes: Vec<TransactWriteItem>,
    world: &impl World,
) -> Result<bool, StoreError> {
    match transact(table, writes, world).await {
        Ok(()) => Ok(true),
        Err(Refusal::Condition) => Ok(false),
        Err(Refusal::Store(error)) => Err(error),
    }
}

async fn send(table: &Table, writes: Vec<TransactWriteItem>) -> Result<(), Cancelled> {
    let sent = table.client.transact_write_items().set_transact_items(Some(writes)).send().await;
    sent.map(drop).map_err(|error| {
        let cancelled_for = |code: &str| match error.as_service_error() {
            Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                canceled.cancellation_reasons().iter().any(|reason| reason.code() == Some(code))
            }
            _ => false,
        };
        if cancelled_for("ConditionalCheckFailed") {
            Cancelled::Final(Refusal::Condition)
        } else if PASSING.into_iter().any(cancelled_for) {
            Cancelled::Passing(StoreError::Unavailable(error.into()))
        } else {
            Cancelled::Final(Refusal::Store(StoreError::from_sdk(OPERATION, error)))
        }
    })
}
