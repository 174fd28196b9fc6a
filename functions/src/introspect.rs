//! `POST /introspect`: whether a token is good right now (RFC 7662).

use serde_json::{Value, json};
use shared::{
    application::Application,
    gate::{self, Gate},
    http::{Request, Response},
    keyring::SealingRing,
    live, note,
    problem::Problem,
    protocol::{self, Transition},
    store::Applications,
    world::{Timestamp, World},
};

/// Answers 200, and of everything that is not good exactly `{"active": false}`: an application learns nothing of tokens that
/// are not its own. `token_type_hint` is not needed to tell the two kinds apart (RFC 7009 §2.1), and is not read.
pub async fn handle(
    request: Request,
    applications: &Applications,
    gate: &Gate,
    sealing: &SealingRing,
    world: &impl World,
) -> Result<Response, Problem> {
    let now = world.now();
    let application = gate::client(&request, applications, now).await?;
    let token = request.token_parameter()?;
    let active = match access(&token, &application, gate, now).await? {
        Some(active) => Some(active),
        None => refresh(&token, &application, gate, sealing, now).await?,
    };
    Response::json(200, &active.unwrap_or_else(|| json!({"active": false})))
}

async fn access(token: &str, application: &Application, gate: &Gate, now: Timestamp) -> Result<Option<Value>, Problem> {
    let Some(claims) = gate.tokens.verify(token, Some(application), now).await? else {
        return Ok(None);
    };
    if claims.client_id != application.id {
        return Ok(None);
    }
    let identity = live::check(&claims, &gate.users, &gate.sessions, true, now).await?;
    Ok(identity.map(|identity| {
        let mut body = json!(claims);
        body["active"] = true.into();
        body["token_type"] = "Bearer".into();
        body["username"] = identity.user.user_id.into();
        body
    }))
}

async fn refresh(
    token: &str,
    application: &Application,
    gate: &Gate,
    sealing: &SealingRing,
    now: Timestamp,
) -> Result<Option<Value>, Problem> {
    let Some(token) = sealing.open(token, now).await? else {
        return Ok(None);
    };
    note::session(token.user_key, token.session_id);
    let (session, user) =
        tokio::try_join!(gate.sessions.find(token.user_key, token.session_id, true), gate.users.find(token.user_key))?;
    let (Some(session), Some(user)) = (session, user) else {
        return Ok(None);
    };
    let transition = protocol::transition(token.position, application.id, &session, &application.refresh, now);
    let redeemable = matches!(transition, Transition::Current | Transition::Repeated | Transition::Late);
    let active = redeemable && user.honours(session.epoch);
    Ok(active.then(|| {
        let mut body = json!({
            "active": true,
            "sub": user.key,
            "username": user.user_id,
            "sid": session.session_id,
            "client_id": session.application_id,
            "iat": session.rotated_at,
            "exp": session.expires_at,
        });
        // As in the access token: a scope has at least one token (RFC 6749 §3.3).
        if !user.permissions.is_empty() {
            body["scope"] = user.permissions.to_string().into();
        }
        body
    }))
}
