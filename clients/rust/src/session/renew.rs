//! Refreshing: once for all that wait, and never so that an answer gets lost.

use std::{
    sync::{Arc, atomic::Ordering},
    time::{Duration, SystemTime},
};

use serde_json::json;
use tokio::sync::OwnedMutexGuard;

use super::{Inner, SessionError, TokenStore, Tokens, to_the_end};
use crate::{
    clock::{age, seconds},
    secret::Secret,
    transport::Unavailable,
};

/// After a refresh ahead of time that failed, how long the old access token is used before the next, in seconds.
const AGAIN_AFTER: u64 = 10;

/// The longest that a server can make us wait: a slip of its own must not put an end to the session.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// What only whoever refreshes knows.
#[derive(Default)]
pub(super) struct Gate {
    /// Which refresh failed last, and of what: those who waited for it need not try the same again.
    failed: Option<(u64, SessionError)>,
    /// Until when nothing is asked, and what is answered instead.
    pause: Option<Pause>,
    /// The refresh token of a session that is definitely over.
    ended: Option<Secret>,
    /// Tokens that the store did not take. Their predecessor is used up: sent again, it would look stolen.
    unsaved: Option<Tokens>,
}

struct Pause {
    since: SystemTime,
    length: Duration,
    failure: SessionError,
}

impl Gate {
    pub(super) const fn unsaved(&self) -> Option<&Tokens> {
        self.unsaved.as_ref()
    }

    /// What is answered while the server is left alone, with the rest of the wait.
    fn paused(&self, now: SystemTime) -> Option<SessionError> {
        let pause = self.pause.as_ref()?;
        let rest = pause.length.checked_sub(age(pause.since, now)).filter(|rest| !rest.is_zero())?;
        Some(match &pause.failure {
            SessionError::Unavailable(failure) => failure.clone().waiting(rest).into(),
            failure => failure.clone(),
        })
    }

    /// The server is left alone for as long as it says, or as callers are told.
    fn pause(&mut self, failure: &SessionError, since: SystemTime) {
        let length = match failure {
            SessionError::Unavailable(failure) => failure.retry_after().min(LONGEST_PAUSE),
            SessionError::Refused(_) => Duration::from_secs(AGAIN_AFTER),
            _ => return,
        };
        self.pause = Some(Pause { since, length, failure: failure.clone() });
    }
}

/// The current access token; never `rejected`, which was answered 401. Whoever has one that is good does not wait for the next.
///
/// The refresh itself is a task: a caller that goes away does not take an answer along that others need, and with it a
/// refresh token that exists nowhere else.
pub(super) async fn current<S: TokenStore>(
    inner: &Arc<Inner<S>>,
    rejected: Option<&Secret>,
) -> Result<Secret, SessionError> {
    if let Some(token) = inner.usable(rejected) {
        return Ok(token);
    }
    let arrived = inner.rounds.load(Ordering::Acquire);
    let (inner, rejected) = (Arc::clone(inner), rejected.cloned());
    if let Some(token) = inner.unexpired(rejected.as_ref()) {
        // Somebody else may be at it already.
        if let Ok(gate) = Arc::clone(&inner.gate).try_lock_owned() {
            tokio::spawn(inner.renew(gate, rejected, arrived));
        }
        return Ok(token);
    }
    to_the_end(async move {
        let mut gate = inner.turn().await;
        if inner.current().is_none() {
            inner.newest(&mut gate).await?;
        }
        let Some(token) = inner.unexpired(rejected.as_ref()) else { return inner.renew(gate, rejected, arrived).await };
        if inner.usable(rejected.as_ref()).is_none() {
            tokio::spawn(inner.renew(gate, rejected, arrived));
        }
        Ok(token)
    })
    .await
}

impl<S: TokenStore> Inner<S> {
    fn usable(&self, rejected: Option<&Secret>) -> Option<Secret> {
        self.current()?.usable(rejected, self.clock.now()).cloned()
    }

    /// A token that has not expired, though it may be due.
    fn unexpired(&self, rejected: Option<&Secret>) -> Option<Secret> {
        let tokens = self.current().filter(|tokens| seconds(self.clock.now()) < tokens.expires_at)?;
        tokens.access_token.filter(|token| Some(token) != rejected)
    }

    async fn renew(
        self: Arc<Self>,
        mut gate: OwnedMutexGuard<Gate>,
        rejected: Option<Secret>,
        arrived: u64,
    ) -> Result<Secret, SessionError> {
        let rejected = rejected.as_ref();
        if let Some(token) = self.usable(rejected) {
            return Ok(token);
        }
        let renewed = match &gate.failed {
            Some((round, failure)) if *round > arrived => Err(failure.clone()),
            _ => {
                let renewed = self.try_until_decided(&mut gate, rejected).await;
                let round = self.rounds.fetch_add(1, Ordering::Release) + 1;
                gate.failed = renewed.as_ref().err().map(|failure| (round, failure.clone()));
                renewed
            }
        };
        renewed.or_else(|failure| self.meanwhile(rejected).ok_or(failure))
    }

    /// What the store holds, once it holds whatever it did not take before.
    async fn newest(&self, gate: &mut Gate) -> Result<Tokens, SessionError> {
        if let Some(tokens) = &gate.unsaved {
            self.save(tokens.clone()).await?;
            gate.unsaved = None;
        }
        let tokens = self.load().await?.ok_or(SessionError::NotSignedIn)?;
        if gate.ended.as_ref() == Some(&tokens.refresh_token) {
            return Err(SessionError::Ended);
        }
        self.set_current(Some(tokens.clone()));
        Ok(tokens)
    }

    /// Each try begins with what the store holds: another process may have taken over, or be about to.
    async fn try_until_decided(&self, gate: &mut Gate, rejected: Option<&Secret>) -> Result<Secret, SessionError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let tokens = self.newest(gate).await?;
            if let Some(token) = tokens.usable(rejected, self.clock.now()) {
                return Ok(token.clone());
            }
            if let Some(failure) = gate.paused(self.clock.now()) {
                return Err(failure);
            }
            let failure = match self.refresh(gate, &tokens).await {
                Err(SessionError::Refused(problem)) if problem.ends_session() => {
                    // Unless it was too late: then the newer token in the store is worth a try.
                    let newest = self.load().await?.map(|newest| newest.refresh_token);
                    if newest.is_none_or(|newest| newest == tokens.refresh_token) {
                        gate.ended = Some(tokens.refresh_token);
                        self.set_current(None);
                        return Err(SessionError::Ended);
                    }
                    if tries <= self.patience.tries {
                        continue;
                    }
                    return Err(Unavailable::not("about the newest refresh token").into());
                }
                Err(SessionError::Unavailable(failure)) => failure,
                Err(failure) => {
                    gate.pause(&failure, self.clock.now());
                    return Err(failure);
                }
                granted => return granted,
            };
            let Some(wait) = self.patience.wait(tries, &failure) else {
                let failure = failure.into();
                gate.pause(&failure, self.clock.now());
                return Err(failure);
            };
            tokio::time::sleep(wait).await;
        }
    }

    async fn refresh(&self, gate: &mut Gate, tokens: &Tokens) -> Result<Secret, SessionError> {
        let body = json!({"refresh_token": tokens.refresh_token.expose()});
        let granted = self.granted(&self.endpoints.refresh, &body).await?;
        let successor = granted.refresh_token.as_deref().map_or_else(|| tokens.refresh_token.clone(), Secret::from);
        let tokens = self.tokens(&granted, successor);
        gate.pause = None;
        gate.unsaved = Some(tokens.clone());
        self.save(tokens).await?;
        gate.unsaved = None;
        Ok(granted.access_token.into())
    }

    /// A token that is due has not expired yet. It is used for a little longer.
    fn meanwhile(&self, rejected: Option<&Secret>) -> Option<Secret> {
        let token = self.unexpired(rejected)?;
        let mut tokens = self.current()?;
        tokens.refresh_at = tokens.expires_at.min(seconds(self.clock.now()) + AGAIN_AFTER);
        self.set_current(Some(tokens));
        Some(token)
    }
}
