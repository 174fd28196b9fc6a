//! Security events: who did what to which session, for the operators' records. `docs/audit-events.md` describes each, and
//! `docs/audit-event.schema.json` is the form of their lines.

use serde::{Serialize, Serializer};

use crate::{
    ids::{ApplicationId, SessionId, UserKey},
    log,
    metrics::{Case, Metric},
    note,
    session::{RevocationReason, Session},
    world::Timestamp,
};

/// Where an event came from.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Origin {
    /// The gateway's id of the request.
    pub request_id: String,
    /// The address that the gateway saw.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// An account was made.
    Registered,
    /// Somebody signed in.
    SignedIn,
    /// Somebody did not: wrong password, unknown or disabled user.
    SignInFailed,
    /// Somebody who wanted to sign in has to wait.
    SignInThrottled,
    /// The last failure that an account allows.
    SignInLocked,
    /// Somebody who wanted an account has to wait.
    RegistrationThrottled,
    /// Case A: a refresh token was replaced.
    Rotated,
    /// A refresh token that does not rotate was used.
    Used,
    /// Case B: a predecessor was answered within the window.
    Repeated,
    /// Case C: a successor that nobody received was displaced.
    Recovered,
    /// Case D: a predecessor was used again, too late, and its session revoked.
    LateReuse,
    /// Case E: a token of an older generation, or a displaced one, was used again, and its session revoked.
    Reuse,
    /// Case F: a token is ahead of the table. Look at this one: a backup was restored.
    AheadOfTable,
    /// Case G: a token of a session that is over, or of another application's.
    Refused,
    /// Case I: no token that could be good. Many of these are somebody guessing.
    Unacceptable,
    /// A session was ended.
    SessionEnded,
    /// A living session was removed, because its user has too many.
    SessionEvicted,
    /// All of a user's sessions were ended.
    AllSessionsEnded,
    /// A signing key or a MAC key was made.
    KeyCreated,
    /// A key was taken away before it was in use.
    KeyDeleted,
    /// An identity at a provider signs a user in from now on.
    IdentityLinked,
    /// It does no longer.
    IdentityUnlinked,
    /// The code of a sign-in was used again, and the session that it began with was ended.
    CodeReuse,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 23] = [
        Self::Registered,
        Self::SignedIn,
        Self::SignInFailed,
        Self::SignInThrottled,
        Self::SignInLocked,
        Self::RegistrationThrottled,
        Self::Rotated,
        Self::Used,
        Self::Repeated,
        Self::Recovered,
        Self::LateReuse,
        Self::Reuse,
        Self::AheadOfTable,
        Self::Refused,
        Self::Unacceptable,
        Self::SessionEnded,
        Self::SessionEvicted,
        Self::AllSessionsEnded,
        Self::KeyCreated,
        Self::KeyDeleted,
        Self::IdentityLinked,
        Self::IdentityUnlinked,
        Self::CodeReuse,
    ];

    /// The event's name. One name covers both kinds of reuse, which `case` tells apart.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registered => "user.registered",
            Self::SignedIn => "sign_in.succeeded",
            Self::SignInFailed => "sign_in.failed",
            Self::SignInThrottled => "sign_in.throttled",
            Self::SignInLocked => "sign_in.locked",
            Self::RegistrationThrottled => "registration.throttled",
            Self::Rotated => "refresh.rotated",
            Self::Used => "refresh.used",
            Self::Repeated => "refresh.repeated",
            Self::Recovered => "refresh.recovered",
            Self::LateReuse | Self::Reuse => "refresh.reuse_detected",
            Self::AheadOfTable => "refresh.ahead_of_table",
            Self::Refused => "refresh.refused",
            Self::Unacceptable => "refresh.unacceptable",
            Self::SessionEnded => "session.ended",
            Self::SessionEvicted => "session.evicted",
            Self::AllSessionsEnded => "sessions.all_ended",
            Self::IdentityLinked => "identity.linked",
            Self::IdentityUnlinked => "identity.unlinked",
            Self::CodeReuse => "sign_in.code_reused",
            Self::KeyCreated => "key.created",
            Self::KeyDeleted => "key.deleted",
        }
    }

    /// The case of the refresh protocol, if it is one.
    #[must_use]
    pub const fn case(self) -> Option<Case> {
        Some(match self {
            Self::Rotated => Case::A,
            Self::Repeated => Case::B,
            Self::Recovered => Case::C,
            Self::LateReuse => Case::D,
            Self::Reuse => Case::E,
            Self::AheadOfTable => Case::F,
            Self::Refused => Case::G,
            Self::Unacceptable => Case::I,
            Self::Used => Case::Unrotated,
            _ => return None,
        })
    }

    /// The metric that counts just this.
    const fn metric(self) -> Option<Metric> {
        Some(match self {
            Self::SignedIn => Metric::SignIns,
            Self::SignInFailed => Metric::SignInFailures,
            Self::SignInThrottled => Metric::SignInsThrottled,
            Self::LateReuse | Self::Reuse => Metric::RefreshReuse,
            Self::AheadOfTable => Metric::RefreshAheadOfTable,
            _ => return None,
        })
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// One security event.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    #[serde(rename = "event")]
    action: Action,
    time: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<Case>,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_id: Option<ApplicationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_key: Option<UserKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    #[serde(flatten)]
    origin: Origin,
}

impl Event {
    /// `action` happened at `time`.
    #[must_use]
    pub const fn new(action: Action, time: Timestamp, origin: Origin) -> Self {
        Self {
            action,
            time,
            case: action.case(),
            application_id: None,
            user_key: None,
            session_id: None,
            kid: None,
            reason: None,
            provider: None,
            origin,
        }
    }

    /// `action` happened to the key `kid`, in a scheduled run and in nobody's application.
    #[must_use]
    pub fn of_key(action: Action, kid: &str, time: Timestamp) -> Self {
        let origin = Origin { request_id: note::request_id(), source_ip: None };
        Self { kid: Some(kid.to_owned()), ..Self::new(action, time, origin) }
    }

    /// Naming the application.
    #[must_use]
    pub fn of_application(self, application_id: ApplicationId) -> Self {
        Self { application_id: Some(application_id), ..self }
    }

    /// Naming the account, if it is known.
    #[must_use]
    pub fn of_user(self, user_key: impl Into<Option<UserKey>>) -> Self {
        Self { user_key: user_key.into(), ..self }
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

    /// Naming the provider, if one was involved.
    #[must_use]
    pub fn at_provider<'a>(self, provider: impl Into<Option<&'a str>>) -> Self {
        Self { provider: provider.into().map(str::to_owned), ..self }
    }

    /// Saying why.
    #[must_use]
    pub fn because(self, reason: RevocationReason) -> Self {
        Self { reason: Some(reason.as_str()), ..self }
    }
}

/// Writes an event to the log, and counts it.
pub fn record(event: &Event) {
    #[derive(Serialize)]
    struct Line<'a> {
        r#type: &'static str,
        #[serde(flatten)]
        event: &'a Event,
    }
    log::line(&Line { r#type: "audit", event });
    if let Some(case) = event.case {
        note::refresh(case);
    }
    if let Some(metric) = event.action.metric() {
        note::sample(metric, 1.0);
    }
    note::concerns(event.user_key, event.session_id);
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
