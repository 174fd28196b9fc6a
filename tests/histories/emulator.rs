//! What the histories and races take for granted: the emulator's conditional writes are atomic. Callers on connections and threads of their
//! own do it all at once, and every round has one winner.

use std::fmt::Debug;

use aws_sdk_dynamodb::{
    Client,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    error::{ProvideErrorMetadata, SdkError},
    operation::update_item::UpdateItemError,
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use shared::{
    access_token::Algorithm,
    config::{Aws, Rotation},
    store::connect,
};

use crate::rotation::place::Place;

const RACERS: usize = 16;
const ROUNDS: u64 = 25;
const TABLE: &str = "simulated-throttles";

fn number(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn key(name: &str) -> AttributeValue {
    AttributeValue::S(name.to_owned())
}

/// One that sends each call once, and waits for its answer however long it takes: a repetition would lose against itself.
fn patient(aws: &Aws) -> Client {
    let config = connect(aws).config().to_builder().retry_config(RetryConfig::disabled());
    Client::from_conf(config.timeout_config(TimeoutConfig::disabled()).build())
}

/// Whether it was done. Anything but a condition that did not hold is a failure of the test.
#[track_caller]
fn has_won<T, E: ProvideErrorMetadata + Debug>(answer: &Result<T, E>) -> bool {
    let Err(error) = answer else { return true };
    let lost = ["ConditionalCheckFailedException", "TransactionCanceledException", "TransactionConflictException"];
    assert!(error.code().is_some_and(|code| lost.contains(&code)), "{error:?}");
    false
}

/// From `round` to the next, unless somebody else was there; then the refusal shows what they wrote.
async fn update(client: &Client, item: &str, round: u64) -> bool {
    let update =
        client.update_item().table_name(TABLE).key("pk", key(item)).update_expression("SET generation = :next");
    let update = update.condition_expression("attribute_not_exists(generation) OR generation = :now");
    let update = update.expression_attribute_values(":now", number(round));
    let update = update.expression_attribute_values(":next", number(round + 1));
    let shown = ReturnValuesOnConditionCheckFailure::AllOld;
    let answer = update.return_values_on_condition_check_failure(shown).send().await;
    if let Err(SdkError::ServiceError(error)) = &answer
        && let UpdateItemError::ConditionalCheckFailedException(refusal) = error.err()
    {
        let seen = refusal.item().and_then(|item| item.get("generation"));
        assert_eq!(seen, Some(&number(round + 1)), "what was in the way is the winner's");
    }
    has_won(&answer)
}

/// The same, as a transaction.
async fn transact(client: &Client, item: &str, round: u64) -> bool {
    let update = Update::builder().table_name(TABLE).key("pk", key(item)).update_expression("SET generation = :next");
    let update = update.condition_expression("attribute_not_exists(generation) OR generation = :now");
    let update = update.expression_attribute_values(":now", number(round));
    let update = update.expression_attribute_values(":next", number(round + 1)).build().expect("complete");
    let write = TransactWriteItem::builder().update(update).build();
    has_won(&client.transact_write_items().transact_items(write).send().await)
}

/// One more, whatever it is.
async fn add(client: &Client, item: &str) -> u64 {
    let update = client.update_item().table_name(TABLE).key("pk", key(item)).update_expression("ADD tries :one");
    let update = update.expression_attribute_values(":one", number(1)).return_values(ReturnValue::AllNew);
    let answer = update.send().await.expect("an addition");
    let tries = answer.attributes().and_then(|item| item["tries"].as_n().ok()).expect("a number");
    tries.parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_emulators_conditional_writes_are_atomic() {
    let place =
        Place::build(Rotation { algorithm: Algorithm::ES256, period: std::time::Duration::from_hours(24) }).await;
    let clients: Vec<_> = (0..RACERS).map(|_| patient(&place.config().aws)).collect();
    let mut numbers = Vec::new();
    for round in 0..ROUNDS {
        let start = std::sync::Arc::new(tokio::sync::Barrier::new(RACERS));
        let racers = clients.iter().cloned().enumerate().map(|(at, client)| {
            let start = std::sync::Arc::clone(&start);
            tokio::spawn(async move {
                start.wait().await;
                let alone = update(&client, "updates", round).await;
                let mixed = if at % 2 == 0 {
                    update(&client, "mixed", round).await
                } else {
                    transact(&client, "mixed", round).await
                };
                (alone, mixed, add(&client, "count").await)
            })
        });
        let mut winners = (0, 0);
        for racer in racers.collect::<Vec<_>>() {
            let (alone, mixed, tried) = racer.await.expect("a racer arrives");
            winners = (winners.0 + u32::from(alone), winners.1 + u32::from(mixed));
            numbers.push(tried);
        }
        assert_eq!(winners, (1, 1), "winners among updates, and among updates and transactions, in round {round}");
    }
    numbers.sort_unstable();
    let every_one: Vec<_> = (1..=ROUNDS * RACERS as u64).collect();
    assert_eq!(numbers, every_one, "each addition saw a number of its own");
}
