//! Refreshing: once for all that wait, and never so that an answer gets lost.

use std::sync::{Arc, atomic::Ordering};

use serde_json::json;

use super::{Inner, SessionError, TokenStore, Tokens};
use crate::{clock::seconds, secret::Secret, transport::Unavailable};

/// After a refresh ahead of time that failed, how long the old access token is used before the next, in seconds.
const AGAIN_AFTER: u64 = 10;

/// What only whoever refreshes knows.
#[derive(Default)]
pub(super) struct Gate {
    /// Which refresh failed last, and of what: those who waited for it need not try the same again.
    failed: Option<(u64, SessionError)>,
    /// The refresh token of a session that is definitely over.
    ended: Option<Secret>,
}

/// The current access token; never `rejected`, which was answered 401.
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
    let renewal = tokio::spawn(async move { inner.renew(rejected.as_ref(), arrived).await });
    renewal.await.unwrap_or_else(|_| Err(Unavailable::not("waited for").into()))
}

impl<S: TokenStore> Inner<S> {
    fn usable(&self, rejected: Option<&Secret>) -> Option<Secret> {
        self.current()?.usable(rejected, self.clock.now()).cloned()
    }

    async fn renew(&self, rejected: Option<&Secret>, arrived: u64) -> Result<Secret, SessionError> {
        let mut gate = self.gate.lock().await;
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
        match renewed {
            Err(SessionError::Unavailable(failure)) => self.meanwhile(rejected).ok_or_else(|| failure.into()),
            renewed => renewed,
        }
    }

    /// Each try begins with what the store holds: another process may have refreshed.
    async fn try_until_decided(&self, gate: &mut Gate, rejected: Option<&Secret>) -> Result<Secret, SessionError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let tokens = self.load().await?.ok_or(SessionError::NotSignedIn)?;
            if gate.ended.as_ref() == Some(&tokens.refresh_token) {
                return Err(SessionError::Ended);
            }
            if let Some(token) = tokens.usable(rejected, self.clock.now()).cloned() {
                self.set_current(Some(tokens));
                return Ok(token);
            }
            match self.refresh(&tokens).await {
                Err(SessionError::Refused(problem)) if problem.ends_session() => {
                    // Unless it was too late: then the newer token in the store is worth a try.
                    let newest = self.load().await?.map(|newest| newest.refresh_token);
                    if newest.is_none_or(|newest| newest == tokens.refresh_token) || tries >= self.patience.tries {
                        gate.ended = Some(tokens.refresh_token);
                        self.set_current(None);
                        return Err(SessionError::Ended);
                    }
                }
                Err(SessionError::Unavailable(failure)) => match self.patience.wait(tries, &failure) {
                    Some(wait) => tokio::time::sleep(wait).await,
                    None => return Err(failure.into()),
                },
                decided => return decided,
            }
        }
    }

    async fn refresh(&self, tokens: &Tokens) -> Result<Secret, SessionError> {
        let body = json!({"refresh_token": tokens.refresh_token.expose()});
        let granted = self.granted(&self.endpoints.refresh, &body).await?;
        let successor = granted.refresh_token.as_deref().map_or_else(|| tokens.refresh_token.clone(), Secret::from);
        self.keep(granted, successor).await
    }

    /// A token that is due has not expired yet. It is used for a little longer.
    fn meanwhile(&self, rejected: Option<&Secret>) -> Option<Secret> {
        let now = seconds(self.clock.now());
        let mut tokens = self.current().filter(|tokens| now < tokens.expires_at)?;
        let token = tokens.access_token.clone().filter(|token| Some(token) != rejected)?;
        tokens.refresh_at = tokens.expires_at.min(now + AGAIN_AFTER);
        self.set_current(Some(tokens));
        Some(token)
    }
}
