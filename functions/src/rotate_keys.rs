//! The scheduled function that replaces keys: pairs that sign access tokens, and secrets that seal refresh tokens.
//!
//! It runs every hour and mostly finds nothing to do. Two that run at once make one key, and one that dies has done all or
//! nothing (`shared::rotation`), so that a schedule which calls twice, or not at all for a while, does no harm.

use serde_json::{Value, json};
use shared::{
    config::Rotation,
    problem::Problem,
    rotation::{self, Plan, Purpose, RotationError},
    store::SigningKeys,
    world::World,
};

/// Answers which keys it made and deleted. One kind failing does not keep the other from being done.
pub async fn handle(keys: &SigningKeys, settings: Rotation, world: &impl World) -> Result<Value, Problem> {
    let Rotation { algorithm, period } = settings;
    let (signing, sealing) = tokio::join!(
        rotation::rotate(keys, Purpose::Signing(algorithm), period, world),
        rotation::rotate(keys, Purpose::Sealing, period, world),
    );
    Ok(json!({"signing": answer(signing)?, "sealing": answer(sealing)?}))
}

fn answer(plan: Result<Plan, RotationError>) -> Result<Value, Problem> {
    let plan = plan?;
    let ids = |keys: &[rotation::Key]| keys.iter().map(|key| key.id.clone()).collect::<Vec<_>>();
    Ok(json!({"created": ids(&plan.create), "deleted": ids(&plan.delete)}))
}
