//! The refresh protocol: what a presented refresh token means, given the session it belongs to.
//!
//! A session is one item with a generation `G`, a branch `B` and the branch before the last rotation `PB`. A token says
//! `(g, b)`. This module is the whole decision, without clock, store or HTTP; `docs/security.md` holds it against
//! RFC 9700 §4.14.2.
//!
//! | case | when | variant |
//! |---|---|---|
//! | A current | `g = G`, `b = B` | [`Transition::Current`] |
//! | B predecessor, in the window | `g = G−1`, `b = PB`, now − `rotated_at` ≤ grace | [`Transition::Repeated`] |
//! | C predecessor, late, successor never used | as B but later, recovery on, `B` < 3 | [`Transition::Late`] |
//! | D predecessor, late, recovery off or `B` = 3 | | [`Transition::Reused`] |
//! | E any older generation or displaced branch | | [`Transition::Reused`] |
//! | F ahead of the table (a restored backup) | `g > G`, or `g = G` and `b > B` | [`Transition::Ahead`] |
//! | G revoked, expired or absent, other application, user disabled or epoch newer | | [`Transition::Ended`] |
//!
//! Case I (bad tag, malformed, past absolute expiry) ends in [`crate::refresh_token`], before any of this and without a
//! call, but for one look a minute at the keys if the token names an unknown one; case J (no
//! answer from the store) is an error of [`crate::store`]. The alphabet has no H.

use std::time::Duration;

use crate::{ids::ApplicationId, session::Session, world::Timestamp};

/// How often a session's successor may be displaced before a late predecessor counts as reuse.
pub const MAX_BRANCH: u8 = 3;

/// Where in a session's line of tokens a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// How often the session had been rotated when the token was made.
    pub generation: u32,
    /// Which of the successors of one generation this is: 0 unless a successor got lost and was displaced.
    pub branch: u8,
}

impl Position {
    /// The first token of a session.
    pub const FIRST: Self = Self { generation: 0, branch: 0 };

    /// The token that a rotation replaces this one by. There is none after four thousand million rotations.
    #[must_use]
    pub fn successor(self) -> Option<Self> {
        Some(Self { generation: self.generation.checked_add(1)?, branch: 0 })
    }

    /// The token that displaces this one if nobody received it.
    #[must_use]
    pub const fn sibling(self) -> Self {
        Self { branch: self.branch.saturating_add(1), ..self }
    }
}

/// An application's rules for its refresh tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefreshPolicy {
    /// Whether a refresh token is replaced when it is used.
    pub rotation: bool,
    /// For how long after a rotation the predecessor is answered with the same successor. Zero: never.
    pub grace: Duration,
    /// Whether a predecessor that comes later than that may displace a successor which nobody used.
    pub recovery: bool,
    /// A session ends when it has not been refreshed for this long.
    pub idle: Duration,
    /// A session ends when it is this old, however often it was refreshed.
    pub absolute: Duration,
}

impl RefreshPolicy {
    /// When a session that is used at `now` ends unless it is used again.
    #[must_use]
    pub fn idle_end(&self, now: Timestamp, absolute_end: Timestamp) -> Timestamp {
        now.plus(self.idle).min(absolute_end)
    }
}

/// What presenting a token does to its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transition {
    /// Case A: the newest token. It is replaced by its successor, in one conditional write.
    Current,
    /// Case B: the newest token's predecessor, just rotated. Answered with the identical successor, without a write.
    Repeated,
    /// Case C: the predecessor, and its successor never came back. The successor is displaced, in one conditional write.
    Late,
    /// Cases D and E: somebody else holds a newer token. The session is revoked.
    Reused(Reuse),
    /// Case F: a token that this table never gave out, as after restoring a backup. Refused; nothing is revoked.
    Ahead,
    /// Case G: the session is over, or not this caller's. Refused; nothing changes.
    Ended(Ending),
}

/// Which token was used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// Case D: the predecessor, after the window and beyond recovery.
    LatePredecessor,
    /// Case E: a token older than the predecessor, or a successor that was displaced.
    Superseded,
}

/// Why a session can't be refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// There is no such session: it never was, or has been collected.
    Absent,
    /// It was ended by logout, by an administrator or after reuse.
    Revoked,
    /// It was ended because its user signed in again in the same place, which has newer tokens.
    Replaced,
    /// It was idle for too long, or has reached its absolute age.
    Expired,
    /// The token was issued to another application.
    OtherApplication,
    /// The user is disabled or gone, or all of the user's sessions were ended.
    User,
}

/// Decides what presenting `token` to `application` at `now` means for `session`.
///
/// The endings are looked at first, so that nothing is ever revoked by a caller whom the session does not concern.
#[must_use]
pub fn transition(
    token: Position,
    application: ApplicationId,
    session: &Session,
    policy: &RefreshPolicy,
    now: Timestamp,
) -> Transition {
    if session.application_id != application {
        return Transition::Ended(Ending::OtherApplication);
    }
    if let Some(ending) = session.ending(now) {
        return Transition::Ended(ending);
    }
    let current = session.position;
    if token == current {
        Transition::Current
    } else if token > current {
        Transition::Ahead
    } else if is_predecessor(token, session) {
        predecessor(session, policy, now)
    } else {
        Transition::Reused(Reuse::Superseded)
    }
}

fn is_predecessor(token: Position, session: &Session) -> bool {
    token.successor().is_some_and(|next| next.generation == session.position.generation)
        && session.previous_branch == Some(token.branch)
}

fn predecessor(session: &Session, policy: &RefreshPolicy, now: Timestamp) -> Transition {
    let in_window = !policy.grace.is_zero() && now.since(session.rotated_at) <= policy.grace;
    if in_window {
        Transition::Repeated
    } else if policy.recovery && session.position.branch < MAX_BRANCH {
        Transition::Late
    } else {
        Transition::Reused(Reuse::LatePredecessor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ids::{SessionId, UserKey},
        session::Method,
        world::System,
    };

    const ROTATED: Timestamp = Timestamp::from_seconds(1_000_000);
    const GRACE: Duration = Duration::from_secs(30);
    const RESILIENT: RefreshPolicy = RefreshPolicy {
        rotation: true,
        grace: GRACE,
        recovery: true,
        idle: Duration::from_hours(72),
        absolute: Duration::from_hours(720),
    };
    const STRICT: RefreshPolicy = RefreshPolicy { grace: Duration::ZERO, recovery: false, ..RESILIENT };

    /// A session at generation 5, branch `branch`, whose predecessor was (4, 1).
    fn session(branch: u8) -> Session {
        Session {
            user_key: UserKey::random(&System),
            session_id: SessionId::random(&System),
            application_id: ApplicationId::from_bytes([1; 16]),
            epoch: 0,
            position: Position { generation: 5, branch },
            previous_branch: Some(1),
            method: Method::Password,
            created_at: ROTATED,
            rotated_at: ROTATED,
            expires_at: ROTATED.plus(RESILIENT.idle),
            absolute_expires_at: ROTATED.plus(RESILIENT.absolute),
            revoked_at: None,
            revoked_reason: None,
            user_agent: None,
            source_ip: None,
        }
    }

    fn decide(generation: u32, branch: u8, session: &Session, policy: &RefreshPolicy, after: u64) -> Transition {
        let now = ROTATED.plus(Duration::from_secs(after));
        transition(Position { generation, branch }, session.application_id, session, policy, now)
    }

    #[test]
    fn every_position_of_a_token_has_its_case() {
        use Transition::{Ahead, Current, Late, Repeated, Reused};
        let late = Reused(Reuse::LatePredecessor);
        let superseded = Reused(Reuse::Superseded);
        for (case, token, branch, policy, after, expected) in [
            ("A", (5, 0), 0, &RESILIENT, 0, Current),
            ("A, after a displacement", (5, 2), 2, &RESILIENT, 90, Current),
            ("A, strict", (5, 0), 0, &STRICT, 0, Current),
            ("B, at once", (4, 1), 0, &RESILIENT, 0, Repeated),
            ("B, at the last second", (4, 1), 0, &RESILIENT, 30, Repeated),
            ("B, of a displaced branch", (4, 1), 3, &RESILIENT, 30, Repeated),
            ("C, a second later", (4, 1), 0, &RESILIENT, 31, Late),
            ("C, the third time", (4, 1), 2, &RESILIENT, 31, Late),
            ("D, the fourth time", (4, 1), 3, &RESILIENT, 31, late),
            ("D, strict and at once", (4, 1), 0, &STRICT, 0, late),
            ("E, a sibling of the predecessor", (4, 0), 0, &RESILIENT, 0, superseded),
            ("E, an older generation", (3, 1), 0, &RESILIENT, 0, superseded),
            ("E, the first generation", (0, 0), 0, &RESILIENT, 0, superseded),
            ("E, a displaced successor", (5, 0), 1, &RESILIENT, 0, superseded),
            ("F, a later generation", (6, 0), 0, &RESILIENT, 0, Ahead),
            ("F, a later branch", (5, 1), 0, &RESILIENT, 0, Ahead),
            ("F, the last generation there is", (u32::MAX, 0), 0, &RESILIENT, 0, Ahead),
        ] {
            assert_eq!(decide(token.0, token.1, &session(branch), policy, after), expected, "{case}");
        }
    }

    #[test]
    fn what_is_over_is_over_whatever_the_token() {
        let idle = RESILIENT.idle.as_secs();
        let revoked = Session { revoked_at: Some(ROTATED), ..session(0) };
        let aged = Session { absolute_expires_at: ROTATED, ..session(0) };
        for generation in [0, 4, 5, 6] {
            let token = Position { generation, branch: 0 };
            let ended = |session: &Session, after| decide(generation, 0, session, &RESILIENT, after);
            assert_eq!(ended(&revoked, 0), Transition::Ended(Ending::Revoked));
            assert_eq!(ended(&aged, 0), Transition::Ended(Ending::Expired));
            assert_eq!(ended(&session(0), idle), Transition::Ended(Ending::Expired));

            let other = ApplicationId::from_bytes([2; 16]);
            let elsewhere = transition(token, other, &session(0), &RESILIENT, ROTATED);
            assert_eq!(elsewhere, Transition::Ended(Ending::OtherApplication));
        }
    }

    #[test]
    fn the_first_token_has_no_predecessor() {
        let fresh = Session { position: Position::FIRST, previous_branch: None, ..session(0) };
        assert_eq!(decide(0, 0, &fresh, &RESILIENT, 0), Transition::Current);
        assert_eq!(decide(u32::MAX, 0, &fresh, &RESILIENT, 0), Transition::Ahead);
    }
}
