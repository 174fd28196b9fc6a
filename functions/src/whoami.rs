//! `GET /whoami`: optional authentication, and the reference for it.
//!
//! Three states: no credential is anonymous, a good one is personal, a bad one is refused. A bad credential is never taken
//! for none: the caller believes to be somebody, and would be shown what a stranger sees.

use serde::Serialize;
use serde_json::json;
use shared::{
    gate::{self, Gate},
    http::{Always, Request, Response},
    ids::{ApplicationId, SessionId, UserKey},
    problem::Problem,
    store::Applications,
    world::{Timestamp, World},
};
use utoipa::{ToSchema, openapi::HttpMethod};

use crate::openapi::{
    ACCESS_COOKIE, APPLICATION_ID, BEARER, EXPIRES_AT, Operation, PERMISSION, SESSION_ID, SIGNED_IN_AT, USER_ID,
    USER_KEY,
};

/// Who is asking.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum WhoAmI {
    Anonymous(Anonymous),
    Identity(Identity),
}

/// Nobody in particular: no credential was presented.
#[derive(Serialize, ToSchema)]
struct Anonymous {
    #[schema(inline)]
    authenticated: Always<false>,
}

/// A user, whose session is alive.
#[derive(Serialize, ToSchema)]
struct Identity {
    #[schema(inline)]
    authenticated: Always<true>,
    /// The user, for ever.
    user_key: UserKey,
    /// The name that the user picked, normalised. Absent for who came by a provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    user_id: Option<String>,
    /// What the user may do now, whatever the token says.
    permissions: Vec<String>,
    /// The session.
    session_id: SessionId,
    /// The application in which the user has signed in.
    application_id: ApplicationId,
    /// When the user signed in.
    auth_time: Timestamp,
    /// When the access token expires.
    expires_at: Timestamp,
}

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
        return Response::json(200, &WhoAmI::Anonymous(Anonymous { authenticated: Always }));
    };
    let permissions = identity.user.permissions.iter().map(str::to_owned).collect();
    let identity = Identity {
        authenticated: Always,
        user_key: identity.user.key,
        user_id: identity.user.user_id,
        permissions,
        session_id: identity.session.session_id,
        application_id: identity.session.application_id,
        auth_time: claims.auth_time,
        expires_at: claims.exp,
    };
    Response::json(200, &WhoAmI::Identity(identity))
}

/// What `docs/openapi.json` says of it.
pub(crate) fn operations() -> Vec<Operation> {
    let ada = json!({
        "authenticated": true, "user_key": USER_KEY, "user_id": USER_ID, "permissions": [PERMISSION], "session_id": SESSION_ID,
        "application_id": APPLICATION_ID, "auth_time": SIGNED_IN_AT, "expires_at": EXPIRES_AT,
    });
    let nobody = json!({"authenticated": false});
    let examples = [("anonymous", "Without a credential", nobody), ("identity", "With a good one", ada)];
    vec![
        Operation::new("whoami", HttpMethod::Get, "/api/v1/auth/whoami", "identity")
            .says(
                "Who is asking",
                "Authentication is optional. A credential that is there and not good is 401, and never taken for none.",
            )
            .of_application([BEARER, ACCESS_COOKIE, ""])
            .answers::<WhoAmI>(200, "Somebody, or nobody in particular.", examples, &[])
            .refuses([Problem::InvalidToken("the access token's session is over")]),
    ]
}
