//! `POST /introspect`: whether a token is good right now (RFC 7662).

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use shared::{
    access_token::Claims,
    application::Application,
    gate::{self, Gate},
    http::{Request, Response, TokenForm},
    ids::{ApplicationId, SessionId, UserKey},
    keyring::SealingRing,
    live, note,
    problem::Problem,
    protocol::{self, Transition},
    store::Applications,
    world::{Timestamp, World},
};

use crate::openapi::{CalledBy, Operation};

/// What is to be said of a token (RFC 7662 §2.2).
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "there is one of it in a request, and it is written at once")]
enum Introspection {
    AccessToken(ActiveAccessToken),
    RefreshToken(ActiveRefreshToken),
    Inactive(Inactive),
}

/// Nothing is said of a token that is not good, or not this application's.
#[derive(Serialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Inactive {
    #[schemars(extend("const" = false))]
    active: bool,
}

/// An access token that is good.
#[derive(Serialize, JsonSchema)]
struct ActiveAccessToken {
    #[schemars(extend("const" = true))]
    active: bool,
    #[schemars(extend("const" = "Bearer"))]
    token_type: &'static str,
    /// The user's name.
    username: String,
    #[serde(flatten)]
    claims: Claims,
}

/// A refresh token that would be answered.
#[derive(Serialize, JsonSchema)]
struct ActiveRefreshToken {
    #[schemars(extend("const" = true))]
    active: bool,
    /// The user.
    sub: UserKey,
    /// The user's name.
    username: String,
    /// The session.
    sid: SessionId,
    /// The application.
    client_id: ApplicationId,
    /// When it was made.
    iat: Timestamp,
    /// When it expires if it is not used.
    exp: Timestamp,
    /// The user's permissions, space separated. As in the access token: a scope has at least one token (RFC 6749 §3.3).
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
}

pub(crate) fn operations() -> Vec<Operation> {
    let operation = Operation::new("introspect", "POST", "/introspect", CalledBy::Client)
        .about("applications", "Ask whether a token is good right now", "RFC 7662. Of a token that is expired, revoked, unknown or another application's, the answer is exactly `{\"active\": false}`. `token_type_hint` is not read.")
        .takes_form::<TokenForm>(json!({"token": "eyJ0eXAiOiJhdCtqd3QifQ.e30.c2ln"}))
        .answers::<Introspection>(200, "What is to be said of it", &[
            ("inactive", json!({"active": false})),
            ("access_token", json!({"active": true, "token_type": "Bearer", "username": "ada@example.com", "iss": "https://auth.example.com/api/v1/auth", "aud": "https://auth.example.com/api/v1/auth", "sub": "c1063f8a-e20b-48b5-bf09-b4748c85520c", "exp": 1_795_295_373, "iat": 1_795_294_173, "nbf": 1_795_294_173, "jti": "1e41ed0c-1b53-4768-a51f-33263be83395", "sid": "80808761-bec2-42d3-919a-ce3f12fc443a", "client_id": "99c22a7f-20f6-4e9d-b6cf-a69b504abe3a", "auth_time": 1_795_294_173, "amr": ["pwd"], "scope": "orders:read orders:write", "ep": 0})),
        ]);
    vec![operation]
}

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
    let TokenForm { token } = request.token_parameter()?;
    let active = match access(&token, &application, gate, now).await? {
        Some(active) => Some(active),
        None => refresh(&token, &application, gate, sealing, now).await?,
    };
    Response::json(200, &active.unwrap_or(Introspection::Inactive(Inactive { active: false })))
}

async fn access(
    token: &str,
    application: &Application,
    gate: &Gate,
    now: Timestamp,
) -> Result<Option<Introspection>, Problem> {
    let Some(claims) = gate.tokens.verify(token, Some(application), now).await? else {
        return Ok(None);
    };
    if claims.client_id != application.id {
        return Ok(None);
    }
    let identity = live::check(&claims, &gate.users, &gate.sessions, true, now).await?;
    Ok(identity.map(|identity| {
        let username = identity.user.user_id;
        Introspection::AccessToken(ActiveAccessToken { active: true, token_type: "Bearer", username, claims })
    }))
}

async fn refresh(
    token: &str,
    application: &Application,
    gate: &Gate,
    sealing: &SealingRing,
    now: Timestamp,
) -> Result<Option<Introspection>, Problem> {
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
        Introspection::RefreshToken(ActiveRefreshToken {
            active: true,
            sub: user.key,
            scope: user.permissions.to_string(),
            username: user.user_id,
            sid: session.session_id,
            client_id: session.application_id,
            iat: session.rotated_at,
            exp: session.expires_at,
        })
    }))
}
