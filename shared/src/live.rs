//! The live check: whether an access token that verifies is still good, asked of the table.
//!
//! A verified token says that we issued it, not that its session still stands. Two reads at the same time tell: the user
//! (status, epoch) and the session. `docs/security.md` states the revocation bound of each mode.

use crate::{
    access_token::Claims,
    session::Session,
    store::{Sessions, StoreError, Users},
    user::User,
    world::Timestamp,
};

/// Who an access token is of, with the table's word for it.
#[derive(Debug)]
pub struct Identity {
    /// The user.
    pub user: User,
    /// The session.
    pub session: Session,
}

/// Looks up what `claims` name. `None` if the session is over, or the user disabled, or all sessions were ended.
pub async fn check(
    claims: &Claims,
    users: &Users,
    sessions: &Sessions,
    consistent: bool,
    now: Timestamp,
) -> Result<Option<Identity>, StoreError> {
    let (user, session) = tokio::try_join!(
        users.read_account(claims.sub, consistent),
        sessions.find(claims.sub, claims.sid, consistent),
    )?;
    Ok(identity(claims, user, session, now))
}

/// The verdict on what was found.
#[must_use]
pub fn identity(claims: &Claims, user: Option<User>, session: Option<Session>, now: Timestamp) -> Option<Identity> {
    let user = user.filter(|user| user.honours(claims.ep))?;
    let own = |session: &Session| session.stands(claims.ep, now) && session.application_id == claims.client_id;
    session.filter(own).map(|session| Identity { user, session })
}
