//! The Lambda authorizer for the team's own routes (HTTP API, payload 2.0, simple responses).
//!
//! It takes the same credentials as [`crate::whoami`] and has the same three states. Whether no credential passes is the
//! function's setting; a bad one never does.

use serde_json::{Value, json};
use shared::{
    access_token::Claims,
    config::{Authorizer, LiveCheck},
    gate::Gate,
    http::{AuthorizerRequest, Decision},
    live,
    problem::Problem,
    world::World,
};

/// Allows or denies; fails if the table can't say, and then nobody passes and nobody is told that a token is bad.
pub async fn handle(
    request: AuthorizerRequest,
    gate: &Gate,
    settings: Authorizer,
    world: &impl World,
) -> Result<Decision, Problem> {
    let now = world.now();
    let token = match request.access_token(gate.tokens.cookies()) {
        Ok(Some(token)) => token,
        Ok(None) if settings.optional => return Ok(Decision::Allow(json!({"authenticated": false}))),
        Ok(None) | Err(_) => return Ok(Decision::Deny),
    };
    let Some(claims) = gate.tokens.verify(token.expose(), None, now).await? else {
        return Ok(Decision::Deny);
    };
    let stands = match settings.live_check {
        LiveCheck::Off => true,
        check => {
            let consistent = check == LiveCheck::Strong;
            live::check(&claims, &gate.users, &gate.sessions, consistent, now).await?.is_some()
        }
    };
    Ok(if stands { Decision::Allow(context(&claims)) } else { Decision::Deny })
}

/// What the route's function is told: strings, numbers and truth values only, as API Gateway demands.
fn context(claims: &Claims) -> Value {
    json!({
        "authenticated": true,
        "user_key": claims.sub,
        "session_id": claims.sid,
        "application_id": claims.client_id,
        "scope": claims.scope,
        "auth_time": claims.auth_time,
    })
}
