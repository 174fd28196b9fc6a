//! `GET /token-info`: what an access token says, and that it is good right now.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use shared::{
    access_token::Claims,
    gate::{self, Gate},
    http::{Request, Response},
    problem::Problem,
    store::Applications,
    world::World,
};

use crate::openapi::{CalledBy, Operation};

/// What an access token says, which is true right now.
#[derive(Serialize, JsonSchema)]
struct TokenInfo {
    #[schemars(extend("const" = true))]
    active: bool,
    #[serde(flatten)]
    claims: Claims,
}

pub(crate) fn operations() -> Vec<Operation> {
    let operation = Operation::new("tokenInfo", "GET", "/token-info", CalledBy::User)
        .about("sessions", "Check an access token and say what it says", "Strongly consistent: refused from the moment in which its session has ended.")
        .answers::<TokenInfo>(200, "The token's claims", &[("token", json!({"active": true, "iss": "https://auth.example.com/api/v1/auth", "aud": "https://auth.example.com/api/v1/auth", "sub": "c1063f8a-e20b-48b5-bf09-b4748c85520c", "exp": 1_795_295_373, "iat": 1_795_294_173, "nbf": 1_795_294_173, "jti": "1e41ed0c-1b53-4768-a51f-33263be83395", "sid": "80808761-bec2-42d3-919a-ce3f12fc443a", "client_id": "99c22a7f-20f6-4e9d-b6cf-a69b504abe3a", "auth_time": 1_795_294_173, "amr": ["pwd"], "scope": "orders:read orders:write", "ep": 0}))]);
    vec![operation]
}

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
    Response::json(200, &TokenInfo { active: true, claims })
}
