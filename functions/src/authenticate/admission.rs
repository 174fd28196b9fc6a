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

/// Who wants to make an attempt.
pub(super) struct Candidate {
    /// As a device that the account's owner has used.
    pub(super) device: Option<Guesser>,
    /// As anybody else.
    pub(super) stranger: Guesser,
    /// Where from. None for a server that has proved which application's it is: it signs many people in from one address.
    pub(super) source: Option<Source>,
}

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
    /// Whether it was the last.
    pub(super) const fn reaches_the_ceiling(&self) -> bool {
        self.failures >= CEILING
    }
}

/// Counts an attempt of `candidate`, where one source may make `limit` of them in a window. A device whose own ceiling is
/// reached is like any other.
pub(super) async fn ask(
    candidate: Candidate,
    throttles: &Throttles,
    limit: u32,
    now: Timestamp,
    world: &impl World,
) -> Result<Answer, StoreError> {
    if let Some(device) = candidate.device {
        match throttles.count_failure(device, now, world).await? {
            Admission::Refused { locked: true, .. } => {}
            admission => return Ok(answer(device, admission)),
        }
    }
    if let Some(source) = candidate.source {
        let admission = throttles.count_attempt(Counted::SignIns, source, limit, now).await?;
        if let Admission::Refused { retry_after, .. } = admission {
            return Ok(Answer::Wait(retry_after));
        }
    }
    Ok(answer(candidate.stranger, throttles.count_failure(candidate.stranger, now, world).await?))
}

const fn answer(guesser: Guesser, admission: Admission) -> Answer {
    match admission {
        Admission::Granted { count } => Answer::Attempt(Attempt { guesser, failures: count }),
        Admission::Refused { retry_after, .. } => Answer::Wait(retry_after),
    }
}
