//! Keys that replace themselves: made, published, put to use, retired and deleted, without a pause in which a good token is
//! refused.
//!
//! `plan` decides; this carries a decision out, in one transaction that holds only if nobody else has changed the
//! keys since they were read. So two that run at once make one key, and one that dies has done all of it or nothing.

mod plan;

pub use plan::{KEPT_BY_API_GATEWAY, KNOWN_AFTER, Key, Plan, Purpose, State, in_force};

use std::time::Duration;

use crate::{
    keys::{GenerationFailed, Material, random_id},
    store::{SigningKeys, StoreError},
    world::{Timestamp, World},
};

/// How often a change is tried again that somebody else's came before.
const ATTEMPTS: u32 = 3;

/// Keys were not changed.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No key could be made.
    #[error(transparent)]
    Generation(#[from] GenerationFailed),
    /// Somebody else was faster, several times in a row.
    #[error("the keys are being changed by somebody else")]
    Contended,
}

/// What a change came to.
#[derive(Debug, Default)]
pub struct Change {
    /// What was done.
    pub done: Plan,
    /// The keys as they are now, without their secrets.
    pub keys: Vec<Key>,
}

/// Brings the keys of `purpose` to what the schedule asks for. Doing it again changes nothing.
///
/// # Errors
///
/// [`RotationError`]; then all of it was done, or nothing: an answer of the store can get lost.
pub async fn rotate(
    keys: &SigningKeys,
    purpose: Purpose,
    period: Duration,
    world: &impl World,
) -> Result<Change, RotationError> {
    let planned =
        |stored: &[Key], now| Some(Plan::scheduled(stored, purpose, period, now, || random_id(purpose, world)));
    Ok(change(keys, purpose, planned, world).await?.unwrap_or_default())
}

/// Makes one more key, published at once and used when it is known everywhere.
///
/// # Errors
///
/// [`RotationError`]; then all of it was done, or nothing: an answer of the store can get lost.
pub async fn create(keys: &SigningKeys, purpose: Purpose, world: &impl World) -> Result<Change, RotationError> {
    let planned = |stored: &[Key], now| Some(Plan::with_new(stored, purpose, now, || random_id(purpose, world)));
    Ok(change(keys, purpose, planned, world).await?.unwrap_or_default())
}

/// Deletes the key `id`, and with it whatever it has signed or sealed; `None` if there is no such key. Another one is in
/// force in the same moment.
///
/// # Errors
///
/// [`RotationError`]; then all of it was done, or nothing: an answer of the store can get lost.
pub async fn revoke(keys: &SigningKeys, id: &str, world: &impl World) -> Result<Option<Change>, RotationError> {
    let all = keys.list().await?;
    let Some(purpose) = all.iter().find(|key| key.id == id).map(|key| key.purpose) else {
        return Ok(None);
    };
    let planned = |stored: &[Key], now| Plan::without(stored, id, now, || random_id(purpose, world));
    change(keys, purpose, planned, world).await
}

/// Reads, plans and writes, again if somebody else's change came in between.
async fn change(
    keys: &SigningKeys,
    purpose: Purpose,
    planned: impl Fn(&[Key], Timestamp) -> Option<Plan>,
    world: &impl World,
) -> Result<Option<Change>, RotationError> {
    for _ in 0..ATTEMPTS {
        let stored = keys.of_purpose(purpose).await?;
        let Some(plan) = planned(&stored.keys, world.now()) else {
            return Ok(None);
        };
        let change = |done: Plan| Change { keys: done.applied_to(&stored.keys), done };
        if plan.is_empty() {
            return Ok(Some(change(plan)));
        }
        let made = plan.create.iter().map(|key| Ok((key, Material::generate(key, world)?)));
        let made = made.collect::<Result<Vec<_>, GenerationFailed>>()?;
        if keys.apply(&plan, &made, purpose, stored.revision, world).await? {
            return Ok(Some(change(plan)));
        }
    }
    Err(RotationError::Contended)
}
