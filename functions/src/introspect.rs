//! `POST /introspect`: whether a token is good right now (RFC 7662).

use serde::Serialize;
use serde_json::json;
use shared::{
    application::Application,
    gate::{self, Gate},
    http::{Always, Request, Response, TokenParameter, TokenType},
    ids::{ApplicationId, SessionId, UserKey},
    keyring::SealingRing,
    live, note,
    problem::Problem,
    protocol::{self, Transition},
    store::Applications,
    world::{Timestamp, World},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        HttpMethod, Ref, RefOr,
        schema::{AnyOfBuilder, Schema},
    },
};

use crate::{
    openapi::{
        APPLICATION_ID, BASIC, Operation, PERMISSION, REFRESH_TOKEN, SECRET_KEY, SESSION_EXPIRES_AT, SESSION_ID,
        SIGNED_IN_AT, USER_ID, USER_KEY,
    },
    token_info::{self, TokenInfo},
};

/// What is to be said of a token.
#[derive(Serialize)]
#[serde(untagged)]
enum Introspection {
    Access(Box<IntrospectedAccessToken>),
    Refresh(IntrospectedRefreshToken),
    Inactive(IntrospectedNothing),
}

/// A good access token of the application that asks.
#[derive(Serialize, ToSchema)]
struct IntrospectedAccessToken {
    #[serde(flatten)]
    token: TokenInfo,
    /// How it is used.
    token_type: TokenType,
    /// The name that the user picked, normalised. Absent for who came by a provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    username: Option<String>,
}

/// A good refresh token of the application that asks.
#[derive(Serialize, ToSchema)]
struct IntrospectedRefreshToken {
    #[schema(inline)]
    active: Always<true>,
    /// The user.
    sub: UserKey,
    /// The name that the user picked, normalised. Absent for who came by a provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    username: Option<String>,
    /// The session.
    sid: SessionId,
    /// The application.
    client_id: ApplicationId,
    /// When it was made.
    iat: Timestamp,
    /// When it expires.
    exp: Timestamp,
    /// The user's permissions, space separated. Absent if there are none: a scope has at least one token (RFC 6749 §3.3).
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
}

/// Anything else, another application's tokens included.
#[derive(Serialize, ToSchema)]
struct IntrospectedNothing {
    #[schema(inline)]
    active: Always<false>,
}

/// By hand, since a derived one would say that a token is of one kind only: an access token has all members of a refresh token.
impl PartialSchema for Introspection {
    fn schema() -> RefOr<Schema> {
        let kinds = [IntrospectedAccessToken::name(), IntrospectedRefreshToken::name(), IntrospectedNothing::name()];
        let any = kinds.into_iter().fold(AnyOfBuilder::new(), |any, kind| any.item(Ref::from_schema_name(kind)));
        any.description(Some("What is to be said of a token (RFC 7662 §2.2).")).into()
    }
}

impl ToSchema for Introspection {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        fn add<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
            schemas.push((T::name().into_owned(), T::schema()));
            T::schemas(schemas);
        }
        add::<IntrospectedAccessToken>(schemas);
        add::<IntrospectedRefreshToken>(schemas);
        add::<IntrospectedNothing>(schemas);
    }
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
    let token = request.token_parameter()?.token;
    let introspection = match access(&token, &application, gate, now).await? {
        Some(access) => Introspection::Access(Box::new(access)),
        None => match refresh(&token, &application, gate, sealing, now).await? {
            Some(refresh) => Introspection::Refresh(refresh),
            None => Introspection::Inactive(IntrospectedNothing { active: Always }),
        },
    };
    Response::json(200, &introspection)
}

async fn access(
    token: &str,
    application: &Application,
    gate: &Gate,
    now: Timestamp,
) -> Result<Option<IntrospectedAccessToken>, Problem> {
    let Some(claims) = gate.tokens.verify(token, Some(application), now).await? else {
        return Ok(None);
    };
    if claims.client_id != application.id {
        return Ok(None);
    }
    let identity = live::check(&claims, &gate.users, &gate.sessions, true, now).await?;
    Ok(identity.map(|identity| IntrospectedAccessToken {
        token: TokenInfo { active: Always, claims },
        token_type: TokenType::Bearer,
        username: identity.user.user_id,
    }))
}

async fn refresh(
    token: &str,
    application: &Application,
    gate: &Gate,
    sealing: &SealingRing,
    now: Timestamp,
) -> Result<Option<IntrospectedRefreshToken>, Problem> {
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
    Ok(active.then(|| IntrospectedRefreshToken {
        active: Always,
        sub: user.key,
        scope: user.permissions.to_string(),
        username: user.user_id,
        sid: session.session_id,
        client_id: session.application_id,
        iat: session.rotated_at,
        exp: session.expires_at,
    }))
}

/// What `docs/openapi.json` says of it.
pub(crate) fn operations() -> Vec<Operation> {
    let mut access = token_info::example();
    access["token_type"] = "Bearer".into();
    access["username"] = USER_ID.into();
    let refresh = json!({
        "active": true, "sub": USER_KEY, "username": USER_ID, "sid": SESSION_ID, "client_id": APPLICATION_ID,
        "iat": SIGNED_IN_AT, "exp": SESSION_EXPIRES_AT, "scope": PERMISSION,
    });
    let examples = [
        ("access", "A good access token", access),
        ("refresh", "A good refresh token", refresh),
        ("other", "Anything else", json!({"active": false})),
    ];
    vec![
        Operation::new("introspect", HttpMethod::Post, "/api/v1/auth/introspect", "servers")
            .says(
                "Whether a token is good right now (RFC 7662)",
                "An application learns nothing of tokens that are not its own. A refresh token that `refresh` would still answer is good.",
            )
            .of_client([SECRET_KEY, BASIC])
            .reads_form::<TokenParameter>([("refresh", "A refresh token", json!({"token": REFRESH_TOKEN}))])
            .answers::<Introspection>(200, "What is to be said of it.", examples, &[])
            .refuses([Problem::InvalidClient]),
    ]
}
