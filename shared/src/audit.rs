//! Security events: who did what to which session, for the operators' records (`docs/operations.md`).

use serde::Serialize;

use crate::{
    ids::{ApplicationId, SessionId, UserKey},
    log,
    session::Session,
    world::Timestamp,
};

/// Where an event came from.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Origin {
    /// The gateway's id of the request.
    pub request_id: String,
    /// The address that the gateway saw.
    pub source_ip: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Action {
    /// An account was made.
    #[serde(rename = "user.registered")]
    Registered,
    /// Somebody signed in.
    #[serde(rename = "sign_in.succeeded")]
    SignedIn,
    /// Somebody did not: wrong password, unknown or disabled user.
    #[serde(rename = "sign_in.failed")]
    SignInFailed,
    /// Case A: a refresh token was replaced.
    #[serde(rename = "refresh.rotated")]
    Rotated,
    /// A refresh token that does not rotate was used.
    #[serde(rename = "refresh.used")]
    Used,
    /// Case B: a predecessor was answered within the window.
    #[serde(rename = "refresh.repeated")]
    Repeated,
    /// Case C: a successor that nobody received was displaced.
    #[serde(rename = "refresh.recovered")]
    Recovered,
    /// Cases D and E: a token was used again, and its session revoked.
    #[serde(rename = "refresh.reuse_detected")]
    ReuseDetected,
    /// Case F: a token is ahead of the table. Look at this one: a backup was restored.
    #[serde(rename = "refresh.ahead_of_table")]
    AheadOfTable,
    /// Case G: a token of a session that is over, or of another application's.
    #[serde(rename = "refresh.refused")]
    Refused,
    /// Case I: no token that could be good. Many of these are somebody guessing.
    #[serde(rename = "refresh.unacceptable")]
    Unacceptable,
    /// A session was ended.
    #[serde(rename = "session.ended")]
    SessionEnded,
    /// All of a user's sessions were ended.
    #[serde(rename = "sessions.all_ended")]
    AllSessionsEnded,
}

/// One security event.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// What happened.
    pub event: Action,
    /// When.
    pub time: Timestamp,
    /// In which application.
    pub application_id: ApplicationId,
    /// Whose account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_key: Option<UserKey>,
    /// Which session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    /// From where.
    #[serde(flatten)]
    pub origin: Origin,
}

impl Event {
    /// Naming the account.
    #[must_use]
    pub fn of_user(self, user_key: UserKey) -> Self {
        Self { user_key: Some(user_key), ..self }
    }

    /// Naming the session.
    #[must_use]
    pub fn of_session_id(self, session_id: SessionId) -> Self {
        Self { session_id: Some(session_id), ..self }
    }

    /// Naming the session and its account.
    #[must_use]
    pub fn of_session(self, session: &Session) -> Self {
        self.of_user(session.user_key).of_session_id(session.session_id)
    }
}

/// Writes an event to the log.
pub fn record(event: &Event) {
    #[derive(Serialize)]
    struct Line<'a> {
        r#type: &'static str,
        #[serde(flatten)]
        event: &'a Event,
    }
    log::line(&Line { r#type: "audit", event });
}
