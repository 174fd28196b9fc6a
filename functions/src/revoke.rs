//! `POST /revoke`: an application gives a token back (RFC 7009).

use serde_json::json;
use shared::{
    audit::{self, Action},
    gate::{self, TokenGate},
    http::{Request, Response, TokenForm},
    keyring::SealingRing,
    note,
    problem::Problem,
    session::RevocationReason,
    store::{Applications, Ended, Sessions},
    world::World,
};

use crate::openapi::{CalledBy, Operation};

pub(crate) fn operations() -> Vec<Operation> {
    let operation = Operation::new("revoke", "POST", "/revoke", CalledBy::Client)
        .about("applications", "Give a token back", "RFC 7009. Ends the session of an access or refresh token of this application, of whatever generation. 200 whatever the token was.")
        .takes_form::<TokenForm>(json!({"token": "gl_rt_AcVf"}))
        .answers_nothing("It is of no use any more");
    vec![operation]
}

/// Answers 200 whatever the token: unknown, expired and foreign ones are already of no use to the caller (§2.2). Revoking
/// any token of a session, of whatever generation, ends the session and its access tokens with it (§2.1).
pub async fn handle(
    request: Request,
    applications: &Applications,
    sessions: &Sessions,
    gate: &TokenGate,
    sealing: &SealingRing,
    world: &impl World,
) -> Result<Response, Problem> {
    let now = world.now();
    let application = gate::client(&request, applications, now).await?;
    let TokenForm { token } = request.token_parameter()?;
    let named = match gate.verify(&token, Some(&application), now).await? {
        Some(claims) => Some((claims.sub, claims.sid)),
        None => sealing.open(&token, now).await?.map(|token| (token.user_key, token.session_id)),
    };
    if let Some((user_key, session_id)) = named {
        note::session(user_key, session_id);
        let reason = RevocationReason::RevokedByApplication;
        if sessions.end(user_key, session_id, Some(application.id), reason, now).await? == Ended::Now {
            let event = request.event(Action::SessionEnded, &application, now);
            audit::record(&event.of_user(user_key).of_session_id(session_id).because(reason));
        }
    }
    Ok(Response::empty(200))
}
