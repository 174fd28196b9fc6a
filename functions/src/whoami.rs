//! `GET /whoami`: optional authentication, and the reference for it.
//!
//! Three states: no credential is anonymous, a good one is personal, a bad one is refused. A bad credential is never taken
//! for none: the caller believes to be somebody, and would be shown what a stranger sees.

use serde_json::json;
use shared::{
    gate::{self, Gate},
    http::{Request, Response},
    problem::Problem,
    store::Applications,
    world::World,
};

/// Answers 200 either way, 401 for a credential that is not good.
pub async fn handle(
    request: Request,
    applications: &Applications,
    gate: &Gate,
    world: &impl World,
) -> Result<Response, Problem> {
    let now = world.now();
    let application = gate::application(&request, applications, now).await?;
    let Some((claims, identity)) = gate.identify(&request, &application, now).await? else {
        return Response::json(200, &json!({"authenticated": false}));
    };
    let permissions: Vec<_> = identity.user.permissions.iter().collect();
    let body = json!({
        "authenticated": true,
        "user_key": identity.user.key,
        "user_id": identity.user.user_id,
        "permissions": permissions,
        "session_id": identity.session.session_id,
        "application_id": identity.session.application_id,
        "auth_time": claims.auth_time,
        "expires_at": claims.exp,
    });
    Response::json(200, &body)
}
