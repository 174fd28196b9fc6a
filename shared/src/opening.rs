//! Opening a session: the same for everybody who has proved who they are, however they did.

use crate::{
    application::{Application, TokenDelivery},
    audit::{self, Action},
    config::Config,
    http::{Cookies, Request},
    ids::{SessionId, SessionRef},
    issuer::{Issuer, Tokens},
    keyring::SealingRing,
    problem::Problem,
    session::{RevocationReason, Session},
    store::{Ended, Redemption, Sessions, StoreError},
    user::User,
    world::{Timestamp, World},
};

/// What opening a session needs beside the store.
pub struct Opening {
    /// Makes the tokens.
    pub issuer: Issuer,
    /// The cookies' form.
    pub cookies: Cookies,
    max_sessions: usize,
}

/// A session that has begun.
pub struct Opened {
    /// Its first tokens.
    pub tokens: Tokens,
    session: Session,
    /// Living sessions that were removed, because the user had too many.
    evicted: Vec<SessionId>,
    /// The browser's old session, if this ended it.
    ended: Option<SessionRef>,
}

impl Opening {
    /// As the deployment's settings say.
    #[must_use]
    pub const fn new(config: &Config, issuer: Issuer) -> Self {
        Self { issuer, cookies: config.cookies, max_sessions: config.max_sessions }
    }

    /// Begins `session` of `user`, and ends the one that it replaces: one browser, one session.
    ///
    /// # Errors
    ///
    /// If the store can't do it, or there is no key to be had.
    pub async fn open(
        &self,
        session: Session,
        user: &User,
        application: &Application,
        replaced: Option<SessionRef>,
        sessions: &Sessions,
        world: &impl World,
    ) -> Result<Opened, Problem> {
        let now = session.created_at;
        let tokens = self.issuer.issue(&session, user, application, now, world).await?;
        let ((), all, ended) = tokio::try_join!(
            sessions.begin(&session),
            sessions.survey(session.user_key),
            end_replaced(replaced, application, sessions, now),
        )?;
        let evicted = self.evict(&session, all, sessions, now).await?;
        Ok(Opened { tokens, session, evicted, ended })
    }

    /// The same by a code, which is used up with it. `None` if it was used up meanwhile: then no session has begun.
    ///
    /// # Errors
    ///
    /// As [`Opening::open`].
    pub async fn open_by(
        &self,
        code: &Redemption,
        session: Session,
        user: &User,
        application: &Application,
        sessions: &Sessions,
        world: &impl World,
    ) -> Result<Option<Opened>, Problem> {
        let now = session.created_at;
        let tokens = self.issuer.issue(&session, user, application, now, world).await?;
        // One after the other: what fails before the code is used up can be asked for again.
        let all = sessions.survey(session.user_key).await?;
        if !sessions.begin_by(&session, code, world).await? {
            return Ok(None);
        }
        let evicted = self.evict(&session, all, sessions, now).await?;
        Ok(Some(Opened { tokens, session, evicted, ended: None }))
    }

    /// Removes what the user has beyond the limit: dead sessions first, then the oldest. Everybody who signs in at the same time removes
    /// the same ones. The limit also bounds how many items a user can have. Says which of the removed ones were living.
    async fn evict(
        &self,
        session: &Session,
        mut all: Vec<(SessionId, Option<Session>)>,
        sessions: &Sessions,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        if !all.iter().any(|(id, _)| *id == session.session_id) {
            all.push((session.session_id, Some(session.clone())));
        }
        let last_used = |stored: &Option<Session>| {
            stored.as_ref().filter(|other| other.stands(session.epoch, now)).map(|other| other.rotated_at)
        };
        all.sort_by_key(|(id, stored)| (last_used(stored), *id));
        let excess = all.len().saturating_sub(self.max_sessions);
        let mut evicted = Vec::new();
        for (id, stored) in all.iter().take(excess) {
            sessions.remove(session.user_key, *id).await?;
            evicted.extend(last_used(stored).map(|_| *id));
        }
        Ok(evicted)
    }
}

impl Opened {
    /// Writes down that the session began, and which ones ended. `provider` is where the user signed in, if not here.
    pub fn record(&self, request: &Request, application: &Application, provider: Option<&str>) {
        let now = self.session.created_at;
        for session_id in &self.evicted {
            let event = request.event(Action::SessionEvicted, application, now);
            audit::record(&event.of_user(self.session.user_key).of_session_id(*session_id));
        }
        if let Some(SessionRef { user_key, session_id }) = self.ended {
            let event = request.event(Action::SessionEnded, application, now).because(RevocationReason::Replaced);
            audit::record(&event.of_user(user_key).of_session_id(session_id));
        }
        let event = request.event(Action::SignedIn, application, now).of_session(&self.session);
        audit::record(&event.at_provider(provider));
    }
}

/// The session that the browser still has in its cookie, which a new one will replace.
///
/// # Errors
///
/// If there is no key to be had.
pub async fn replaced(
    request: &Request,
    application: &Application,
    sealing: &SealingRing,
    cookies: Cookies,
    now: Timestamp,
) -> Result<Option<SessionRef>, Problem> {
    if application.delivery != TokenDelivery::Cookie {
        return Ok(None);
    }
    match cookies.refresh(request.headers()) {
        Ok(Some(cookie)) => {
            let token = sealing.open(&cookie, now).await?;
            Ok(token.map(|token| SessionRef { user_key: token.user_key, session_id: token.session_id }))
        }
        // Two that differ: a neighbouring host can plant one (RFC 6265bis §8.6), and must not keep anyone from signing in.
        Ok(None) | Err(_) => Ok(None),
    }
}

/// Ends the session that was replaced. Says which it was, unless it was over already.
async fn end_replaced(
    replaced: Option<SessionRef>,
    application: &Application,
    sessions: &Sessions,
    now: Timestamp,
) -> Result<Option<SessionRef>, StoreError> {
    let Some(SessionRef { user_key, session_id }) = replaced else { return Ok(None) };
    let reason = RevocationReason::Replaced;
    let ended = sessions.end(user_key, session_id, Some(application.id), reason, now).await?;
    Ok(replaced.filter(|_| ended == Ended::Now))
}
