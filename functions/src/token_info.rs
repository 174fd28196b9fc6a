//! `GET /token-info`: what an access token says, and that it is good right now.

use serde_json::json;
use shared::{
    gate::{self, Gate},
    http::{Request, Response},
    problem::Problem,
    store::Applications,
    world::World,
};

/// Answers 200 with the claims and `active: true`; 401 without a token, with a bad one, or after its session's end.
pub async fn handle(
    request: Request,
    applications: &Applications,
    gate: &Gate,
    world: &impl World,
) -> Result<Response, Problem> {
    let now = world.now();
    let application = gate::application(&request, applications, now).await?;
    let (claims, _) = gate.identify(&request, &application, now).await?.ok_or(Problem::TokenRequired)?;
    let mut body = json!(claims);
    body["active"] = true.into();
    Response::json(200, &body)
}
