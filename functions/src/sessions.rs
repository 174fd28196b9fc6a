//! `GET /sessions`, `DELETE /sessions`, `DELETE /sessions/{session_id}`: the user's own sessions.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use shared::{
    access_token::Claims,
    application::Application,
    audit::{self, Action},
    gate::{self, Gate, SESSION_OVER},
    http::{Request, Response},
    ids::{ApplicationId, SessionId},
    live::{self, Identity},
    problem::{Entry, Problem},
    session::{self, RevocationReason},
    store::{Applications, Ended},
    world::{Timestamp, World},
};

use crate::{
    openapi::{CalledBy, Operation},
    revoked::{self, Revoked, revoked},
};

/// The user's sessions.
#[derive(Serialize, JsonSchema)]
struct SessionList {
    /// Those that are alive, newest use first.
    sessions: Vec<Session>,
}

/// One sign-in on one device.
#[derive(Serialize, JsonSchema)]
struct Session {
    session_id: SessionId,
    /// Whether the request belongs to it.
    current: bool,
    /// The application that it began in.
    application_id: ApplicationId,
    /// When the user signed in.
    created_at: Timestamp,
    /// The last refresh. Applications without rotation do not write it.
    last_used_at: Timestamp,
    /// When it ends if it is not used.
    expires_at: Timestamp,
    /// What the browser or program called itself.
    user_agent: Option<String>,
    /// Where it was used last.
    source_ip: Option<String>,
}

pub(crate) fn operations() -> Vec<Operation> {
    let list = Operation::new("listSessions", "GET", "/sessions", CalledBy::User)
        .about("sessions", "List the user's sessions", "On all devices and of all applications.")
        .answers::<SessionList>(200, "The living sessions", &[("sessions", json!({"sessions": [{"session_id": "80808761-bec2-42d3-919a-ce3f12fc443a", "current": true, "application_id": "99c22a7f-20f6-4e9d-b6cf-a69b504abe3a", "created_at": 1_795_294_173, "last_used_at": 1_795_294_173, "expires_at": 1_795_553_373, "user_agent": "curl/8.14.1", "source_ip": "203.0.113.10"}]}))]);
    let end = |id, path| {
        Operation::new(id, "DELETE", path, CalledBy::User)
            .answers::<Revoked>(200, "They are over; the cookies are cleared if this one is", &revoked::example())
            .with_cookies()
    };
    let end_all = end("endSessions", "/sessions")
        .about("sessions", "End the user's sessions", "All of them by one write, or all others one by one.")
        .parameter(json!({"name": "keep_current", "in": "query", "description": "Whether this one goes on.", "schema": {"type": "boolean", "default": false}}));
    let end_one = end("endSession", "/sessions/{session_id}")
        .about("sessions", "End one of the user's sessions", "")
        .parameter(json!({"name": "session_id", "in": "path", "required": true, "schema": {"type": "string", "format": "uuid"}}))
        .fails(&[Entry::SESSION_NOT_FOUND]);
    vec![list, end_all, end_one]
}

/// Lists them, ends one, ends all, or ends all others (`?keep_current=true`).
pub async fn handle(
    request: Request,
    applications: &Applications,
    gate: &Gate,
    world: &impl World,
) -> Result<Response, Problem> {
    let now = world.now();
    let application = gate::application(&request, applications, now).await?;
    let claims = gate.tokens.claims(&request, &application, now).await?.ok_or(Problem::TokenRequired)?;
    match (request.method().as_str(), request.path_parameter("session_id")) {
        ("GET", None) => list(&claims, gate, now).await,
        ("DELETE", None) => match request.query_parameter("keep_current").as_deref() {
            None | Some("false") => end_all(&request, &application, &claims, gate, now).await,
            Some("true") => end_others(&request, &application, &claims, gate, now).await,
            Some(_) => Err(Problem::InvalidRequest("keep_current is `true` or `false`")),
        },
        ("DELETE", Some(id)) => end_one(&request, &application, &claims, &id, gate, now).await,
        _ => Err(Problem::InvalidRequest("this resource does not have that method")),
    }
}

async fn list(claims: &Claims, gate: &Gate, now: Timestamp) -> Result<Response, Problem> {
    let (_, mut living) = living(claims, gate, now).await?;
    living.sort_by_key(|session| std::cmp::Reverse(session.rotated_at));
    let sessions = living.into_iter().map(|session| describe(session, claims)).collect();
    Response::json(200, &SessionList { sessions })
}

fn describe(session: session::Session, claims: &Claims) -> Session {
    Session {
        current: session.session_id == claims.sid,
        session_id: session.session_id,
        application_id: session.application_id,
        created_at: session.created_at,
        last_used_at: session.rotated_at,
        expires_at: session.expires_at,
        user_agent: session.user_agent,
        source_ip: session.source_ip,
    }
}

async fn end_all(
    request: &Request,
    application: &Application,
    claims: &Claims,
    gate: &Gate,
    now: Timestamp,
) -> Result<Response, Problem> {
    let identity = identity(claims, gate, now).await?;
    // False if somebody else raised the epoch meanwhile: then they are ended too.
    gate.users.end_all_sessions(&identity.user).await?;
    let event = request.event(Action::AllSessionsEnded, application, now);
    audit::record(&event.of_user(claims.sub).of_session_id(claims.sid));
    Ok(revoked()?.with_cookies(gate.tokens.cookies().clear()))
}

async fn end_others(
    request: &Request,
    application: &Application,
    claims: &Claims,
    gate: &Gate,
    now: Timestamp,
) -> Result<Response, Problem> {
    let (_, living) = living(claims, gate, now).await?;
    for session in living.iter().filter(|session| session.session_id != claims.sid) {
        end(request, application, session, gate, now).await?;
    }
    revoked()
}

async fn end_one(
    request: &Request,
    application: &Application,
    claims: &Claims,
    id: &str,
    gate: &Gate,
    now: Timestamp,
) -> Result<Response, Problem> {
    let epoch = identity(claims, gate, now).await?.user.epoch;
    let id: SessionId = id.parse().map_err(|_| Problem::SessionNotFound)?;
    let session = gate.sessions.find(claims.sub, id, true).await?;
    let session = session.filter(|session| session.stands(epoch, now)).ok_or(Problem::SessionNotFound)?;
    end(request, application, &session, gate, now).await?;
    let response = revoked()?;
    Ok(if id == claims.sid { response.with_cookies(gate.tokens.cookies().clear()) } else { response })
}

async fn end(
    request: &Request,
    application: &Application,
    session: &session::Session,
    gate: &Gate,
    now: Timestamp,
) -> Result<(), Problem> {
    let reason = RevocationReason::EndedByUser;
    if gate.sessions.end(session.user_key, session.session_id, None, reason, now).await? == Ended::Now {
        audit::record(&request.event(Action::SessionEnded, application, now).of_session(session).because(reason));
    }
    Ok(())
}

async fn identity(claims: &Claims, gate: &Gate, now: Timestamp) -> Result<Identity, Problem> {
    live::check(claims, &gate.users, &gate.sessions, true, now).await?.ok_or(SESSION_OVER)
}

/// The user and all of their sessions that still stand. The list holds the caller's own session, so that it serves as the
/// live check too, in one round trip.
async fn living(claims: &Claims, gate: &Gate, now: Timestamp) -> Result<(Identity, Vec<session::Session>), Problem> {
    let (user, mut sessions) = tokio::try_join!(gate.users.find(claims.sub), gate.sessions.list(claims.sub))?;
    let own = sessions.iter().find(|session| session.session_id == claims.sid).cloned();
    let identity = live::identity(claims, user, own, now).ok_or(SESSION_OVER)?;
    sessions.retain(|session| session.stands(identity.user.epoch, now));
    Ok((identity, sessions))
}
