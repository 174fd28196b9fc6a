//! The scheduled function that replaces keys: pairs that sign access tokens, and secrets that seal refresh tokens.
//!
//! It runs every hour and mostly finds nothing to do. Two that run at once make one key, and one that dies has done all or
//! nothing (`shared::rotation`), so that a schedule which calls twice, or not at all for a while, does no harm.

use serde_json::{Value, json};
use shared::{
    audit::{self, Action, Event},
    config::Rotation,
    metrics::Metric,
    note,
    problem::Problem,
    rotation::{self, Change, Key, Plan, Purpose, in_force},
    store::SigningKeys,
    world::{Timestamp, World},
};

/// Answers which keys it made and deleted. One kind failing does not keep the other from being done.
pub async fn handle(keys: &SigningKeys, settings: Rotation, world: &impl World) -> Result<Value, Problem> {
    let now = world.now();
    let Rotation { algorithm, period } = settings;
    let (signing, sealing) = tokio::join!(
        rotation::rotate(keys, Purpose::Signing(algorithm), period, world),
        rotation::rotate(keys, Purpose::Sealing, period, world),
    );
    for change in [&signing, &sealing].into_iter().flatten() {
        record(&change.done, now);
    }
    let (signing, sealing) = (signing?, sealing?);
    if let Some(current) = in_force(signing.keys.iter().filter(|key| key.lives(now)), now) {
        note::sample(Metric::SigningKeyAge, now.since(current.signs_from).as_secs_f64());
    }
    Ok(json!({"signing": answer(&signing), "sealing": answer(&sealing)}))
}

fn record(done: &Plan, now: Timestamp) {
    for (action, keys) in [(Action::KeyCreated, &done.create), (Action::KeyRevoked, &done.delete)] {
        for key in keys {
            audit::record(&Event::of_key(action, &key.id, now));
            note::sample(Metric::KeyRotations, 1.0);
        }
    }
}

fn answer(Change { done, .. }: &Change) -> Value {
    let ids = |keys: &[Key]| keys.iter().map(|key| key.id.clone()).collect::<Vec<_>>();
    json!({"created": ids(&done.create), "deleted": ids(&done.delete)})
}
