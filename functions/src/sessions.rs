//! `GET /sessions`, `DELETE /sessions`, `DELETE /sessions/{session_id}`: the user's own sessions.

use serde::Serialize;
use serde_json::json;
use shared::{
    access_token::Claims,
    application::Application,
    audit::{self, Action},
    gate::{self, Gate, SESSION_OVER},
    http::{Always, Request, Response},
    ids::{ApplicationId, SessionId},
    live::{self, Identity},
    problem::Problem,
    session::{RevocationReason, Session},
    store::{Applications, Ended},
    world::{Timestamp, World},
};
use utoipa::{
    ToSchema,
    openapi::{
        HttpMethod, Ref, RefOr,
        path::ParameterIn,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use crate::{
    logout::Revoked,
    openapi::{
        ACCESS_COOKIE, APPLICATION_ID, BEARER, Operation, SESSION_EXPIRES_AT, SESSION_ID, SETS_COOKIES, SIGNED_IN_AT,
    },
};

/// The user's living sessions, newest use first.
#[derive(Serialize, ToSchema)]
struct SessionList {
    /// They.
    sessions: Vec<Listed>,
}

/// One sign-in on one device.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
struct Listed {
    /// Its id.
    session_id: SessionId,
    /// Whether it is the one that asks.
    current: bool,
    /// The application in which the user signed in.
    application_id: ApplicationId,
    /// When the user signed in.
    created_at: Timestamp,
    /// When it was last refreshed. An application without rotation leaves it as it was at sign-in.
    last_used_at: Timestamp,
    /// When it ends if it is not refreshed again.
    expires_at: Timestamp,
    /// What the device said of itself then.
    user_agent: Option<String>,
    /// Where it was then.
    source_ip: Option<String>,
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

fn describe(session: Session, claims: &Claims) -> Listed {
    Listed {
        session_id: session.session_id,
        current: session.session_id == claims.sid,
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
    Response::json(200, &Revoked { revoked: Always })
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

/// What `docs/openapi.json` says of them.
pub(crate) fn operations() -> Vec<Operation> {
    let session = json!({
        "session_id": SESSION_ID, "current": true, "application_id": APPLICATION_ID, "created_at": SIGNED_IN_AT,
        "last_used_at": SIGNED_IN_AT, "expires_at": SESSION_EXPIRES_AT, "user_agent": "curl/8.14.1", "source_ip": "203.0.113.10",
    });
    let operation = |id, method, path| {
        let over = Problem::InvalidToken("the access token's session is over");
        let operation = Operation::new(id, method, path, "sessions").of_application([BEARER, ACCESS_COOKIE]);
        operation.refuses([Problem::TokenRequired, over])
    };
    let (all, one) = ("/api/v1/auth/sessions", "/api/v1/auth/sessions/{session_id}");
    let ends = |id, path| {
        let revoked = [("revoked", "Ended", json!({"revoked": true}))];
        let operation = operation(id, HttpMethod::Delete, path).refuses([Problem::OriginNotAllowed]);
        operation.answers::<Revoked>(200, "Ended, and so are all tokens of it.", revoked, SETS_COOKIES)
    };
    let keep: RefOr<Schema> = ObjectBuilder::new().schema_type(Type::Boolean).into();
    let which: RefOr<Schema> = Ref::from_schema_name("SessionId").into();
    vec![
        operation("listSessions", HttpMethod::Get, all)
            .says("The user's sessions", "All that live, of all applications.")
            .answers::<SessionList>(
                200,
                "The sessions.",
                [("one", "A single one", json!({"sessions": [session]}))],
                &[],
            ),
        ends("endSessions", all)
            .says(
                "End all sessions",
                "Of all applications, by one write, and clears the cookies; or all but the one that asks.",
            )
            .takes(
                ParameterIn::Query,
                "keep_current",
                keep,
                "Whether the session that asks goes on. Then cookies stay.",
            ),
        ends("endSession", one)
            .says("End one session", "Clears the cookies if it is the one that asks.")
            .takes(ParameterIn::Path, "session_id", which, "As `listSessions` names it. What is no UUID is 404 too.")
            .refuses([Problem::SessionNotFound]),
    ]
}
