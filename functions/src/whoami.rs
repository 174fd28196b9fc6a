//! `GET /whoami`: optional authentication, and the reference for it.
//!
//! Three states: no credential is anonymous, a good one is personal, a bad one is refused. A bad credential is never taken
//! for none: the caller believes to be somebody, and would be shown what a stranger sees.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use shared::{
    gate::{self, Gate},
    http::{Request, Response},
    ids::{ApplicationId, SessionId, UserKey},
    problem::Problem,
    store::Applications,
    world::{Timestamp, World},
};

use crate::openapi::{CalledBy, Operation};

/// Who is calling.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
enum WhoAmI {
    Anonymous(Anonymous),
    Identity(Identity),
}

/// Nobody who is known.
#[derive(Serialize, JsonSchema)]
struct Anonymous {
    #[schemars(extend("const" = false))]
    authenticated: bool,
}

/// A user, in a session that is alive.
#[derive(Serialize, JsonSchema)]
struct Identity {
    #[schemars(extend("const" = true))]
    authenticated: bool,
    /// The user's id.
    user_key: UserKey,
    /// The name, normalised.
    user_id: String,
    /// What the user may do now.
    permissions: Vec<String>,
    /// The session.
    session_id: SessionId,
    /// The application that the session belongs to.
    application_id: ApplicationId,
    /// When the user signed in.
    auth_time: Timestamp,
    /// When the access token expires.
    expires_at: Timestamp,
}

pub(crate) fn operations() -> Vec<Operation> {
    let operation = Operation::new("whoami", "GET", "/whoami", CalledBy::UserOrNobody)
        .about("sessions", "Say who is calling", "No credential is anonymous, a good one is personal, and a bad one is refused: it never counts as none.")
        .answers::<WhoAmI>(200, "Who is calling", &[
            ("anonymous", json!({"authenticated": false})),
            ("user", json!({"authenticated": true, "user_key": "c1063f8a-e20b-48b5-bf09-b4748c85520c", "user_id": "ada@example.com", "permissions": ["orders:read"], "session_id": "80808761-bec2-42d3-919a-ce3f12fc443a", "application_id": "99c22a7f-20f6-4e9d-b6cf-a69b504abe3a", "auth_time": 1_795_294_173, "expires_at": 1_795_295_373})),
        ]);
    vec![operation]
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
        return Response::json(200, &WhoAmI::Anonymous(Anonymous { authenticated: false }));
    };
    let body = WhoAmI::Identity(Identity {
        authenticated: true,
        user_key: identity.user.key,
        permissions: identity.user.permissions.iter().map(str::to_owned).collect(),
        user_id: identity.user.user_id,
        session_id: identity.session.session_id,
        application_id: identity.session.application_id,
        auth_time: claims.auth_time,
        expires_at: claims.exp,
    });
    Response::json(200, &body)
}
