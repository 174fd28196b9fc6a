//! What a state of the model holds. Small on purpose: there are millions.

use std::time::Duration;

use shared::{
    ids::{ApplicationId, SessionId, UserKey},
    protocol::{Position, RefreshPolicy},
    session::{Method, RevocationReason, Session},
    world::Timestamp,
};

/// The one application of the model.
pub const APPLICATION: ApplicationId = ApplicationId::from_bytes([1; 16]);

/// Time goes by in ticks, of which the grace window is one. A tick is also the longest that a request may take.
pub type Tick = u8;

/// The moment of a tick, for the code under test, which counts seconds.
#[must_use]
pub const fn moment(tick: Tick) -> Timestamp {
    Timestamp::from_seconds(1_000_000 + tick as u64)
}

/// What stands between two steps.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    /// The present.
    pub now: Tick,
    /// The session's item.
    pub item: Item,
    /// The account's item.
    pub user: User,
    /// Requests under way, in order: two that are alike are the same whichever came first.
    pub requests: Vec<Request>,
    /// What the victim's browser keeps, for all of its tabs.
    pub held: Option<Held>,
    /// The thief's tokens, in order.
    pub stolen: Vec<Position>,
    /// What may still happen.
    pub left: Left,
    /// What the properties have to remember.
    pub record: Record,
}

/// A session, as far as the protocol changes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    /// `generation` and `branch`.
    pub position: Position,
    /// `previous_branch`.
    pub previous_branch: Option<u8>,
    /// `rotated_at`.
    pub rotated_at: Tick,
    /// `revoked_at`.
    pub revoked: bool,
    /// Every token and when it was used: only in the alternative that keeps a table of them.
    pub tokens: Vec<(Position, Option<Tick>)>,
}

impl Item {
    /// Just signed in.
    #[must_use]
    pub const fn new() -> Self {
        Self { position: Position::FIRST, previous_branch: None, rotated_at: 0, revoked: false, tokens: Vec::new() }
    }

    /// The item as the code under test knows it.
    #[must_use]
    pub fn session(&self, policy: &RefreshPolicy) -> Session {
        let absolute_expires_at = moment(0).plus(policy.absolute);
        Session {
            user_key: UserKey::from_bytes([2; 16]),
            session_id: SessionId::from_bytes([3; 16]),
            application_id: APPLICATION,
            epoch: 0,
            position: self.position,
            previous_branch: self.previous_branch,
            method: Method::Password,
            created_at: moment(0),
            rotated_at: moment(self.rotated_at),
            expires_at: policy.idle_end(moment(self.rotated_at), absolute_expires_at),
            absolute_expires_at,
            revoked_at: self.revoked.then(|| moment(0)),
            revoked_reason: self.revoked.then_some(RevocationReason::Logout),
            user_agent: None,
            source_ip: None,
        }
    }
}

impl Default for Item {
    fn default() -> Self {
        Self::new()
    }
}

/// An account, as far as it ends sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct User {
    /// Raised by a change of password, by disabling, and by "end all sessions".
    pub epoch: u8,
    /// Not disabled.
    pub active: bool,
}

impl User {
    /// As [`shared::user::User::honours`], of a session that began in epoch 0.
    #[must_use]
    pub const fn honours(self) -> bool {
        self.active && self.epoch == 0
    }
}

/// Who sends requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    /// Whose session it is.
    Victim,
    /// Who has copies of tokens.
    Thief,
}

/// The refresh token in the victim's browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Held {
    /// The token.
    pub token: Position,
    /// When it came.
    pub since: Option<Tick>,
}

/// One `POST /refresh`, between its arrival and its answer's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Request {
    /// Whose it is.
    pub party: Party,
    /// The token presented.
    pub token: Position,
    /// When it came: the one time that the handler reads the clock.
    pub arrived: Tick,
    /// Whether the session was over by then.
    pub doomed: bool,
    /// Whether the thief had begun by then.
    pub counts: bool,
    /// What the look at the user said, once it was taken.
    pub honoured: Option<bool>,
    /// How far it is.
    pub stage: Stage,
}

/// How far a request is. Each stage but the last waits for an answer of DynamoDB.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// `rotate` is on its way.
    Rotating,
    /// `rotate` was answered, the look at the user was not.
    Looking(Found),
    /// `displace` is on its way, for the item as it was seen.
    Displacing(Item),
    /// `end` is on its way.
    Ending(Case),
    /// The answer is on its way.
    Answered(Case, Answer),
}

/// What became of a conditional write.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Found {
    /// It was done.
    Done(Position),
    /// Its condition did not hold; the item as it was found.
    Refused(Item),
}

/// The cases of `shared::protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the table of `shared::protocol` says what they are")]
pub enum Case {
    A,
    B,
    C,
    D,
    E,
    F,
    G,
}

/// What a request is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer {
    /// 200 with a token.
    Granted(Position),
    /// 401, and the session's definite end: cookies are cleared.
    Over,
    /// 401, but not the end.
    NotForEveryone,
    /// 503.
    Unavailable,
}

/// What may still happen, so that there is an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Left {
    /// Requests of the victim.
    pub victim: u8,
    /// Requests of the thief.
    pub thief: u8,
    /// Copies that the thief may take.
    pub thefts: u8,
    /// Writes whose acknowledgement gets lost, so that the SDK repeats them.
    pub unacknowledged: u8,
    /// Logout, change of password, disabling.
    pub endings: u8,
    /// Restored backups.
    pub restores: u8,
}

/// What the properties have to remember.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is for a property of its own")]
pub struct Record {
    /// The user or an operator ended the session.
    pub ended: bool,
    /// Somebody did, or the protocol: from here on nothing may be handed out.
    pub over: bool,
    /// A backup was restored.
    pub restored: bool,
    /// Whether the thief has used a token.
    pub thief_began: bool,
    /// Whether victim and thief have been answered with the newest token, as far as the server knows.
    pub newest_with: [bool; 2],
    /// Turns of thief and victim at getting new tokens, since the last theft.
    pub turns: u8,
    /// Whose turn the last one was.
    pub turn: Option<Party>,
}

/// A policy in ticks.
#[must_use]
pub const fn policy(grace: u64, recovery: bool) -> RefreshPolicy {
    RefreshPolicy {
        rotation: true,
        grace: Duration::from_secs(grace),
        recovery,
        idle: Duration::from_secs(1000),
        absolute: Duration::from_secs(1000),
    }
}
