//! `GET /token-info`: what an access token says, and that it is good right now.

use serde::Serialize;
use serde_json::{Value, json};
use shared::{
    access_token::Claims,
    gate::{self, Gate},
    http::{Always, Request, Response},
    problem::Problem,
    store::Applications,
    world::World,
};
use utoipa::{ToSchema, openapi::HttpMethod};

use crate::openapi::{
    ACCESS_COOKIE, APPLICATION_ID, BEARER, EXPIRES_AT, ISSUER, Operation, PERMISSION, SESSION_ID, SIGNED_IN_AT,
    USER_KEY,
};

/// What an access token says, and that it is good.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenInfo {
    #[schema(inline)]
    pub(crate) active: Always<true>,
    #[serde(flatten)]
    pub(crate) claims: Claims,
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
    Response::json(200, &TokenInfo { active: Always, claims })
}

/// What `docs/openapi.json` says of it.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("tokenInfo", HttpMethod::Get, "/api/v1/auth/token-info", "identity")
            .says(
                "What an access token says",
                "Its claims, after a strongly consistent look at session and user: once a logout was answered, this is 401.",
            )
            .of_application([BEARER, ACCESS_COOKIE])
            .answers::<TokenInfo>(200, "The token is good.", [("good", "A good token", example())], &[])
            .refuses([Problem::TokenRequired, Problem::InvalidToken("the access token's session is over")]),
    ]
}

/// A token that is good, with its claims.
pub(crate) fn example() -> Value {
    json!({
        "active": true, "iss": ISSUER, "aud": ISSUER, "sub": USER_KEY, "exp": EXPIRES_AT, "iat": SIGNED_IN_AT, "nbf": SIGNED_IN_AT,
        "jti": "1e41ed0c-1b53-4768-a51f-33263be83395", "sid": SESSION_ID, "client_id": APPLICATION_ID, "auth_time": SIGNED_IN_AT,
        "amr": ["pwd"], "scope": PERMISSION, "ep": 0,
    })
}
