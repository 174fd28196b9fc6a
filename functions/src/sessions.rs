//! `GET /sessions`, `DELETE /sessions`, `DELETE /sessions/{session_id}`: the user's own sessions.

use serde_json::{Value, json};
use shared::{
    access_token::Claims,
    application::Application,
    audit::{self, Action},
    gate::{self, Gate, SESSION_OVER},
    http::{Request, Response},
    ids::SessionId,
    live::{self, Identity},
    problem::Problem,
    session::{RevocationReason, Session},
    store::{Applications, Ended},
    world::{Timestamp, World},
};

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
    let sessions: Vec<_> = living.iter().map(|session| describe(session, claims)).collect();
    Response::json(200, &json!({"sessions": sessions}))
}

fn describe(session: &Session, claims: &Claims) -> Value {
    json!({
        "session_id": session.session_id,
        "current": session.session_id == claims.sid,
        "application_id": session.application_id,
        "created_at": session.created_at,
        "last_used_at": session.rotated_at,
        "expires_at": session.expires_at,
        "user_agent": session.user_agent,
        "source_ip": session.source_ip,
    })
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
    session: &Session,
    gate: &Gate,
    now: Timestamp,
) -> Result<(), Problem> {
    let reason = RevocationReason::EndedByUser;
    if gate.sessions.end(session.user_key, session.session_id, None, reason, now).await? == Ended::Now {
        audit::record(&request.event(Action::SessionEnded, application, now).of_session(session).because(reason));
    }
    Ok(())
}

fn revoked() -> Result<Response, Problem> {
    Response::json(200, &json!({"revoked": true}))
}

async fn identity(claims: &Claims, gate: &Gate, now: Timestamp) -> Result<Identity, Problem> {
    live::check(claims, &gate.users, &gate.sessions, true, now).await?.ok_or(SESSION_OVER)
}

/// The user and all of their sessions that still stand. The list holds the caller's own session, so that it serves as the
/// live check too, in one round trip.
async fn living(claims: &Claims, gate: &Gate, now: Timestamp) -> Result<(Identity, Vec<Session>), Problem> {
    let (user, mut sessions) = tokio::try_join!(gate.users.find(claims.sub), gate.sessions.list(claims.sub))?;
    let own = sessions.iter().find(|session| session.session_id == claims.sid).cloned();
    let identity = live::identity(claims, user, own, now).ok_or(SESSION_OVER)?;
    sessions.retain(|session| session.stands(identity.user.epoch, now));
    Ok((identity, sessions))
}
