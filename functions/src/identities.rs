//! `GET /identities`, `POST /identities`, `DELETE /identities/{identity_id}`: at which providers the user signs in.
//!
//! Linking takes two proofs: the access token says whose account it is, and the code who signed in at the provider, for an application whose
//! verifier comes with it. A code that a stranger has slipped into the page is good for nothing here.

use std::time::Duration;

use serde::Serialize;
use serde_json::json;
use shared::{
    application::Application,
    audit::{self, Action},
    federation,
    flow::Purpose,
    gate::{self, Gate},
    http::{Request, Response},
    identity::{IdentityId, LinkedIdentity},
    problem::Problem,
    store::{Applications, Flows, Found},
    user::User,
    world::{Timestamp, World},
};
use utoipa::{
    ToSchema,
    openapi::{HttpMethod, Required, path::ParameterIn},
};

use crate::{
    oauth_exchange::Exchange,
    oauth_start::text,
    openapi::{ACCESS_COOKIE, BEARER, CODE, CODE_VERIFIER, IDENTITY_ID, Operation, SIGNED_IN_AT, USER_ID},
};

/// How long ago the user may have signed in to change how they sign in: an access token that was stolen for a few minutes must not
/// become a way in for ever (RFC 9470).
const RECENT: Duration = Duration::from_mins(15);

/// How often an account is looked at anew, because somebody else has written to it meanwhile.
const ATTEMPTS: u8 = 4;

/// By what the user can sign in.
#[derive(Serialize, ToSchema)]
struct IdentityList {
    /// Whether there is a password.
    has_password: bool,
    /// The identities at providers, oldest first.
    identities: Vec<Listed>,
}

/// An identity at a provider.
#[derive(Serialize, ToSchema)]
#[schema(as = LinkedIdentity)]
struct Listed {
    /// Its id: the same identity has the same id for ever.
    #[schema(value_type = String)]
    identity_id: IdentityId,
    /// What the deployment called the provider when it was linked.
    provider: String,
    /// The address that the provider told then.
    email: Option<String>,
    /// Since when it signs the user in.
    linked_at: Timestamp,
}

impl From<&LinkedIdentity> for Listed {
    fn from(identity: &LinkedIdentity) -> Self {
        Self {
            identity_id: identity.id(),
            provider: identity.provider.clone(),
            email: identity.email.clone(),
            linked_at: identity.linked_at,
        }
    }
}

/// Lists them, links one by the code of a flow that was begun with `link=true`, or removes one.
pub async fn handle(
    request: Request,
    applications: &Applications,
    gate: &Gate,
    flows: &Flows,
    world: &impl World,
) -> Result<Response, Problem> {
    let now = world.now();
    let application = gate::application(&request, applications, now).await?;
    let (_, caller) = gate.identify(&request, &application, now).await?.ok_or(Problem::TokenRequired)?;
    let recent = now.since(caller.session.created_at) <= RECENT;
    if request.is_unsafe() && !recent {
        return Err(Problem::InsufficientUserAuthentication);
    }
    let user = caller.user;
    match (request.method().as_str(), request.path_parameter("identity_id")) {
        ("GET", None) => list(&user),
        ("POST", None) => link(&request, &application, user, gate, flows, now, world).await,
        ("DELETE", Some(id)) => unlink(&request, &application, user, &id, gate, now, world).await,
        _ => Err(Problem::InvalidRequest("this resource does not have that method")),
    }
}

fn list(user: &User) -> Result<Response, Problem> {
    let identities = user.identities.iter().map(Listed::from).collect();
    Response::json(200, &IdentityList { has_password: user.password.is_some(), identities })
}

async fn link(
    request: &Request,
    application: &Application,
    mut user: User,
    gate: &Gate,
    flows: &Flows,
    now: Timestamp,
    world: &impl World,
) -> Result<Response, Problem> {
    let presented = Exchange::read(request.json()?)?.of(application, Purpose::Link);
    let Found::Assertion(assertion) = flows.find_code(&presented, now).await? else {
        return Err(Problem::InvalidCode);
    };
    let code = flows.redemption(&presented, None, now)?;
    for _ in 0..ATTEMPTS {
        let done = match federation::find(&assertion, &gate.users).await? {
            Some(holder) if holder.key == user.key => Some(list(&holder)),
            Some(_) => Some(Err(Problem::IdentityTaken)),
            None if user.identities.len() >= User::MAX_IDENTITIES => Some(Err(Problem::TooManyIdentities)),
            None => None,
        };
        if let Some(answer) = done {
            flows.spend(&code, world).await?;
            return answer;
        }
        let identity = assertion.link(now);
        if gate.users.link(&user, identity.clone(), Some(&code), world).await? {
            let event = request.event(Action::IdentityLinked, application, now).of_user(user.key);
            audit::record(&event.at_provider(assertion.provider.as_str()));
            user.identities.push(identity);
            return list(&user);
        }
        if !matches!(flows.find_code(&presented, now).await?, Found::Assertion(_)) {
            return Err(Problem::InvalidCode);
        }
        user = read_again(user, gate).await?;
    }
    Err(contended())
}

async fn unlink(
    request: &Request,
    application: &Application,
    mut user: User,
    id: &str,
    gate: &Gate,
    now: Timestamp,
    world: &impl World,
) -> Result<Response, Problem> {
    for _ in 0..ATTEMPTS {
        let found = user.identities.iter().find(|identity| identity.id().as_str() == id);
        let identity = found.cloned().ok_or(Problem::IdentityNotFound)?;
        if user.password.is_none() && user.identities.len() == 1 {
            return Err(Problem::LastCredential);
        }
        if gate.users.unlink(&user, &identity, world).await? {
            let event = request.event(Action::IdentityUnlinked, application, now).of_user(user.key);
            audit::record(&event.at_provider(identity.provider.as_str()));
            user.identities.retain(|other| *other != identity);
            return list(&user);
        }
        user = read_again(user, gate).await?;
    }
    Err(contended())
}

/// The account as it is now, if it still is the caller's.
async fn read_again(user: User, gate: &Gate) -> Result<User, Problem> {
    gate.users.find(user.key).await?.filter(|now| now.honours(user.epoch)).ok_or(gate::SESSION_OVER)
}

fn contended() -> Problem {
    Problem::Unavailable("the account was written to by others at each look".into())
}

/// What `docs/openapi.json` says of them.
pub(crate) fn operations() -> Vec<Operation> {
    let (all, one) = ("/api/v1/auth/identities", "/api/v1/auth/identities/{identity_id}");
    let identity =
        json!({"identity_id": IDENTITY_ID, "provider": "google", "email": USER_ID, "linked_at": SIGNED_IN_AT});
    let list = json!({"has_password": true, "identities": [identity]});
    let operation = |id, method, path| {
        let over = Problem::InvalidToken("the access token's session is over");
        Operation::new(id, method, path, "providers")
            .of_application([BEARER, ACCESS_COOKIE])
            .refuses([Problem::TokenRequired, over])
            .answers::<IdentityList>(
                200,
                "By what the user can sign in now.",
                [("one", "A single one", list.clone())],
                &[],
            )
    };
    vec![
        operation("listIdentities", HttpMethod::Get, all)
            .says("By what the user can sign in", "A password, and identities at providers, oldest first."),
        operation("linkIdentity", HttpMethod::Post, all)
            .says(
                "Link an identity",
                "From now on it signs the user in too. The code is what `startOAuth` with `link=true` ended with.",
            )
            .reads::<Exchange>(
                Required::True,
                [("code", "With the verifier of the challenge", json!({"code": CODE, "code_verifier": CODE_VERIFIER}))],
            )
            .refuses([
                Problem::InsufficientUserAuthentication,
                Problem::InvalidCode,
                Problem::OriginNotAllowed,
                Problem::IdentityTaken,
                Problem::TooManyIdentities,
            ]),
        operation("unlinkIdentity", HttpMethod::Delete, one)
            .says("Remove an identity", "It no longer signs the user in. The last way to sign in can't be removed.")
            .takes(ParameterIn::Path, "identity_id", text(IDENTITY_ID), "As `listIdentities` names it.")
            .refuses([
                Problem::InsufficientUserAuthentication,
                Problem::OriginNotAllowed,
                Problem::IdentityNotFound,
                Problem::LastCredential,
            ]),
    ]
}
