//! `POST /revoke`: an application gives a token back (RFC 7009).

use serde_json::json;
use shared::{
    audit::{self, Action},
    gate::{self, TokenGate},
    http::{Request, Response, TokenParameter},
    keyring::SealingRing,
    note,
    problem::Problem,
    session::RevocationReason,
    store::{Applications, Ended, Sessions},
    world::World,
};
use utoipa::openapi::HttpMethod;

use crate::openapi::{BASIC, Operation, REFRESH_TOKEN, SECRET_KEY};

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
    let token = request.token_parameter()?.token;
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

/// What `docs/openapi.json` says of it.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("revoke", HttpMethod::Post, "/api/v1/auth/revoke", "servers")
            .says(
                "Give a token back (RFC 7009)",
                "Ends the session of a token of this application, of whatever generation. Any other token is of no use already.",
            )
            .of_client([SECRET_KEY, BASIC])
            .reads_form::<TokenParameter>([("refresh", "A refresh token", json!({"token": REFRESH_TOKEN}))])
            .answers_nothing("The token is of no use any more.")
            .refuses([Problem::InvalidClient]),
    ]
}
