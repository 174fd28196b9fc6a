//! The scheduled function that replaces keys: pairs that sign access tokens, and secrets that seal refresh tokens.
//!
//! It runs every hour and mostly finds nothing to do. Two that run at once make one key, and one that dies has done all or
//! nothing (`shared::rotation`), so that a schedule which calls twice, or not at all for a while, does no harm.

use serde_json::{Value, json};
use shared::{
    audit::{self, Action, Event},
    config::Rotation,
    log,
    metrics::Metric,
    note,
    problem::Problem,
    rotation::{self, Change, Key, Purpose, in_force},
    store::SigningKeys,
    world::World,
};

/// Answers which keys it made and deleted. One kind failing does not keep the other from being done.
pub async fn handle(keys: &SigningKeys, settings: Rotation, world: &impl World) -> Result<Value, Problem> {
    let (signing, sealing) = tokio::join!(
        rotate(keys, Purpose::Signing(settings.algorithm), settings, world),
        rotate(keys, Purpose::Sealing, settings, world),
    );
    if let (Err(_), Err(other)) = (&signing, &sealing) {
        log::problem(other);
    }
    let (signing, sealing) = (signing?, sealing?);
    let now = world.now();
    if let Some(current) = in_force(signing.keys.iter().filter(|key| key.lives(now)), now) {
        note::sample(Metric::SigningKeyAge, now.since(current.signs_from).as_secs_f64());
    }
    Ok(json!({"signing": answer(&signing), "sealing": answer(&sealing)}))
}

/// Does one kind, and records it before the other is waited for.
async fn rotate(
    keys: &SigningKeys,
    purpose: Purpose,
    settings: Rotation,
    world: &impl World,
) -> Result<Change, Problem> {
    let change = rotation::rotate(keys, purpose, settings.period, world).await?;
    for (action, keys) in [(Action::KeyCreated, &change.done.create), (Action::KeyDeleted, &change.done.delete)] {
        for key in keys {
            audit::record(&Event::of_key(action, &key.id, world.now()));
            note::sample(Metric::KeyRotations, 1.0);
        }
    }
    Ok(change)
}

fn answer(Change { done, .. }: &Change) -> Value {
    let ids = |keys: &[Key]| keys.iter().map(|key| key.id.clone()).collect::<Vec<_>>();
    json!({"created": ids(&done.create), "deleted": ids(&done.delete)})
}
