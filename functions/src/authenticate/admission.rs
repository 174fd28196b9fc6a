//! Whether an attempt to sign in may be made: asked, and counted, before the password is looked at.
//!
//! A stranger's attempt counts for the address that it comes from and for the account. One from a device in which the
//! account's owner has signed in before counts for that device alone, so that nobody else can use up its attempts.

use std::time::Duration;

use shared::{
    store::{Admission, StoreError, Throttles},
    throttle::{CEILING, Counted, Guesser, Source},
    world::{Timestamp, World},
};

/// What was answered.
pub(super) enum Answer {
    /// The attempt may be made. It counts as a failure until it is forgiven.
    Attempt(Attempt),
    /// It may not, for so long.
    Wait(Duration),
}

/// An attempt that may be made.
pub(super) struct Attempt {
    /// Whose failure it is.
    pub(super) guesser: Guesser,
    /// Which of theirs in a row.
    failures: u32,
}

impl Attempt {
    /// Whether it was the last that strangers have.
    pub(super) const fn locks_strangers_out(&self) -> bool {
        matches!(self.guesser, Guesser::Stranger(_)) && self.failures >= CEILING
    }
}

/// Counts an attempt from `source`, if there is one to count, of which it has `limit` in a window; or says how long it has to wait.
pub(super) async fn enter(
    source: Option<Source>,
    throttles: &Throttles,
    limit: u32,
    now: Timestamp,
) -> Result<Option<Duration>, StoreError> {
    let Some(source) = source else { return Ok(None) };
    match throttles.count_attempt(Counted::SignIns, source, limit, now).await? {
        Admission::Granted { .. } => Ok(None),
        Admission::Refused { retry_after, .. } => Ok(Some(retry_after)),
    }
}

/// Counts an attempt of `device`, or of `stranger` if there is none. A device whose own ceiling is reached is like any other.
pub(super) async fn ask(
    device: Option<Guesser>,
    stranger: Guesser,
    throttles: &Throttles,
    now: Timestamp,
    world: &impl World,
) -> Result<Answer, StoreError> {
    if let Some(device) = device {
        match throttles.count_failure(device, now, world).await? {
            Admission::Refused { locked: true, .. } => {}
            admission => return Ok(answer(device, admission)),
        }
    }
    Ok(answer(stranger, throttles.count_failure(stranger, now, world).await?))
}

const fn answer(guesser: Guesser, admission: Admission) -> Answer {
    match admission {
        Admission::Granted { count } => Answer::Attempt(Attempt { guesser, failures: count }),
        Admission::Refused { retry_after, .. } => Answer::Wait(retry_after),
    }
}
