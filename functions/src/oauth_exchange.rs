//! `POST /oauth/exchange`: tokens for the code that a sign-in at a provider ended with.
//!
//! The code went through a browser's address, where others may have seen it; it is good for a minute, once, and only with the verifier
//! of the application's own challenge (RFC 7636). Used a second time, it ends the session that came of it (RFC 6749 §4.1.2).

use serde_json::json;
use shared::{
    application::{Application, TokenDelivery},
    audit::{self, Action},
    federation,
    flow::{CodeChallenge, Purpose, Ticket},
    gate,
    http::{Members, Request, Response, TokenResponse, token_response},
    ids::SessionRef,
    opening::Opening,
    problem::Problem,
    secret::Secret,
    session::{Method, RevocationReason, Session},
    store::{Applications, Ended, Flows, Found, Presented, Sessions, Users},
    world::{Timestamp, World},
};
use utoipa::{
    ToSchema,
    openapi::{HttpMethod, Required},
};

use crate::openapi::{ACCESS_TOKEN, CODE, CODE_VERIFIER, Operation, REFRESH_TOKEN};

/// A code, and who asks for what is behind it.
#[derive(ToSchema)]
pub(crate) struct Exchange {
    /// What the browser came back with.
    #[schema(value_type = String)]
    code: Secret,
    /// What the `code_challenge` was made of (RFC 7636 §4.1).
    #[schema(value_type = String)]
    code_verifier: Secret,
}

/// The same, read. A code that can't be one is none.
pub(crate) struct Claim {
    code: Ticket,
    challenge: CodeChallenge,
}

impl Exchange {
    /// Reads the members of a request.
    ///
    /// # Errors
    ///
    /// If a member is missing, or can't be what it should be.
    pub(crate) fn read(mut members: Members) -> Result<Claim, Problem> {
        let exchange =
            Self { code: members.required_secret("code"), code_verifier: members.required_secret("code_verifier") };
        members.finish()?;
        let code = Ticket::parse(exchange.code.expose());
        let challenge = CodeChallenge::of(exchange.code_verifier.expose());
        let (code, challenge) = code.zip(challenge).ok_or(Problem::InvalidCode)?;
        Ok(Claim { code, challenge })
    }
}

impl Claim {
    /// It, as `application` presents it for `purpose`.
    pub(crate) fn of(self, application: &Application, purpose: Purpose) -> Presented {
        let Self { code, challenge } = self;
        Presented { code: code.hashed(), application_id: application.id, purpose, challenge }
    }
}

/// Answers 200 with tokens; 400 for a code that is not good, for whatever reason.
pub async fn handle(
    request: Request,
    applications: &Applications,
    users: &Users,
    sessions: &Sessions,
    flows: &Flows,
    opening: &Opening,
    world: &impl World,
) -> Result<Response, Problem> {
    let now = world.now();
    let application = gate::application(&request, applications, now).await?;
    // Its flows end with cookies, and no code of it is good for this.
    if application.delivery == TokenDelivery::Cookie {
        return Err(Problem::InvalidCode);
    }
    let presented = Exchange::read(request.json()?)?.of(&application, Purpose::SignIn);
    let assertion = match flows.find_code(&presented, now).await? {
        Found::Assertion(assertion) => assertion,
        found => return refused(found, &request, &application, sessions, now).await,
    };
    let resolved = federation::resolve(&assertion, &application, users, now, world).await?;
    resolved.record(&request, &application, &assertion, now);
    let (user, provider) = (resolved.user(), assertion.provider.as_str());
    let session = Session::begin(user, Method::Federated, &application, request.device(), world, now);
    let named = SessionRef { user_key: user.key, session_id: session.session_id };
    let code = flows.redemption(&presented, Some(named), now)?;
    if !user.is_active() {
        flows.spend(&code, world).await?;
        let event = request.event(Action::SignInFailed, &application, now).of_user(user.key);
        audit::record(&event.at_provider(provider));
        return Err(Problem::InvalidCode);
    }
    let Some(opened) = opening.open_by(&code, session, user, &application, sessions, world).await? else {
        let found = flows.find_code(&presented, now).await?;
        return refused(found, &request, &application, sessions, now).await;
    };
    opened.record(&request, &application, Some(provider));
    token_response(&opened.tokens, &application, opening.cookies)
}

/// Refuses a code; if it was used up before, whoever has used it may be a thief, and so may who asks now: the session that came of it ends.
async fn refused(
    found: Found,
    request: &Request,
    application: &Application,
    sessions: &Sessions,
    now: Timestamp,
) -> Result<Response, Problem> {
    let Found::Used(Some(SessionRef { user_key, session_id })) = found else { return Err(Problem::InvalidCode) };
    let reason = RevocationReason::CodeReuse;
    if sessions.end(user_key, session_id, Some(application.id), reason, now).await? == Ended::Now {
        let event = request.event(Action::CodeReuse, application, now).because(reason);
        audit::record(&event.of_user(user_key).of_session_id(session_id));
    }
    Err(Problem::InvalidCode)
}

/// What `docs/openapi.json` says of it.
pub(crate) fn operations() -> Vec<Operation> {
    let exchange = json!({"code": CODE, "code_verifier": CODE_VERIFIER});
    let tokens = json!({
        "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 1200,
        "refresh_token": REFRESH_TOKEN, "refresh_expires_in": 259_200,
    });
    vec![
        Operation::new("exchangeOAuthCode", HttpMethod::Post, "/api/v1/auth/oauth/exchange", "providers")
            .says(
                "Get tokens for a code",
                "Begins the session of whoever signed in at a provider. A code is good for a minute, once; used again, it ends the session.",
            )
            .of_application([""])
            .reads::<Exchange>(Required::True, [("code", "With the verifier of the challenge", exchange)])
            .answers::<TokenResponse<'_>>(200, "Signed in.", [("body", "Delivery `body`", tokens)], &[])
            .refuses([Problem::InvalidCode]),
    ]
}
