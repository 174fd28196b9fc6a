//! `GET /oauth/{provider}`: sends a browser to a provider to sign in there.
//!
//! A navigation, not a call: it has no `Api-Key` header and no body, and what is wrong with it is said in place, since an address that is
//! not allowed is none to send anybody to (RFC 9700 §4.11).

use std::time::Duration;

use serde_json::json;
use shared::{
    application::{Application, TokenDelivery},
    audit::{self, Action},
    config::Config,
    flow::{CodeChallenge, Flow, Outcome, Purpose, Ticket},
    gate,
    http::{Cookies, Request, Response},
    keyring::SealingRing,
    opening,
    problem::Problem,
    provider::{ConnectError, ProviderError, Providers},
    store::{Admission, Applications, Flows, Throttles},
    throttle::{Counted, Source},
    world::{Timestamp, World},
};
use utoipa::openapi::{
    HttpMethod, RefOr,
    path::ParameterIn,
    schema::{ObjectBuilder, Schema, Type},
};

use crate::openapi::{APPLICATION_ID, CODE_CHALLENGE, Operation, SETS_COOKIES};

/// The longest `state` of an application, in bytes: an item must not grow with what a caller sends.
const MAX_CLIENT_STATE: usize = 512;

/// What beginning a sign-in needs beside the stores.
pub struct Start {
    providers: Providers,
    /// Opens the refresh token of the session that the new one will replace. A function that anybody can call has no need of signing keys.
    sealing: SealingRing,
    cookies: Cookies,
    /// Attempts that one source may make in a window.
    limit: u32,
}

impl Start {
    /// As the deployment's settings say.
    ///
    /// # Errors
    ///
    /// If providers can't be spoken to at all.
    pub fn new(config: Config, sealing: SealingRing) -> Result<Self, ConnectError> {
        let limit = config.limits.sign_ins;
        let providers = Providers::connect(config.providers, &config.issuer, config.aws, config.secret_stores)?;
        Ok(Self { providers, sealing, cookies: config.cookies, limit })
    }
}

/// Answers 303 to the provider's page, with a cookie that makes this browser the only one to come back.
pub async fn handle(
    request: Request,
    applications: &Applications,
    throttles: &Throttles,
    flows: &Flows,
    start: &Start,
    world: &impl World,
) -> Result<Response, Problem> {
    let now = world.now();
    if request.header("sec-fetch-dest").is_some_and(|destination| destination != "document") {
        return Err(Problem::InvalidRequest("this address is for a browser to go to, and nothing else"));
    }
    let application = gate::named_in_query(&request, applications, now).await?;
    let provider = request.path_parameter("provider").unwrap_or_default();
    let provider = start.providers.find(&provider).ok_or(Problem::ProviderNotFound)?;
    let flow = Flow {
        provider: provider.name().to_owned(),
        application_id: application.id,
        return_to: return_to(&request, &application)?,
        client_state: client_state(&request)?,
        outcome: outcome(&request, &application, start, now).await?,
    };
    // Counted by itself: what a page of anybody's makes a browser load must not use up its attempts at a password.
    let source = Source::of_address(request.source_ip().as_deref());
    let admission = throttles.count_attempt(Counted::Flows, source, start.limit, now).await?;
    if let Admission::Refused { retry_after, .. } = admission {
        audit::record(&request.event(Action::SignInThrottled, &application, now).at_provider(provider.name()));
        return Err(Problem::TooManyAttempts { retry_after });
    }
    let [browser, state] = [(); 2].map(|()| Ticket::random(world));
    let url = provider.authorization_url(&state, &browser.proofs(&state), flow.outcome.purpose(), now).await?;
    flows.begin(&flow, &state.hashed(), &browser.hashed(), now).await?;
    let crowd = start.cookies.clear_crowd(request.headers());
    Ok(Response::redirect(&url).with_cookies(crowd).with_cookies([start.cookies.set_flow(&state, &browser)]))
}

fn return_to(request: &Request, application: &Application) -> Result<String, Problem> {
    let address = request.query_parameter("return_to").ok_or(Problem::InvalidRequest("return_to is required"))?;
    if application.allows_return_to(&address) { Ok(address) } else { Err(Problem::ReturnToNotAllowed) }
}

/// What the application wants back: printable ASCII, spaces included (RFC 6749 appendix A.5).
fn client_state(request: &Request) -> Result<Option<String>, Problem> {
    let state = request.query_parameter("state");
    let fits = |state: &String| {
        state.len() <= MAX_CLIENT_STATE && state.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic())
    };
    if state.as_ref().is_none_or(fits) {
        Ok(state)
    } else {
        Err(Problem::InvalidRequest("state is at most 512 printable ASCII characters"))
    }
}

/// Cookies, for an application that has its tokens there; else a code, for which the application's own challenge must be there.
async fn outcome(
    request: &Request,
    application: &Application,
    start: &Start,
    now: Timestamp,
) -> Result<Outcome, Problem> {
    let purpose = match request.query_parameter("link").as_deref() {
        None | Some("false") => Purpose::SignIn,
        Some("true") => Purpose::Link,
        Some(_) => return Err(Problem::InvalidRequest("link is `true` or `false`")),
    };
    let challenge = request.query_parameter("code_challenge");
    if application.delivery == TokenDelivery::Cookie && purpose == Purpose::SignIn {
        if challenge.is_some() {
            return Err(Problem::InvalidRequest(
                "this application gets cookies, and no code that a code_challenge would be for",
            ));
        }
        let replaces = opening::replaced(request, application, &start.sealing, start.cookies, now).await?;
        return Ok(Outcome::Session { replaces });
    }
    let s256 = request.query_parameter("code_challenge_method").as_deref() == Some("S256");
    let challenge = challenge.filter(|_| s256).and_then(|text| CodeChallenge::parse(&text));
    let challenge = challenge
        .ok_or(Problem::InvalidRequest("code_challenge with code_challenge_method=S256 is required (RFC 7636 §4.3)"))?;
    Ok(Outcome::Code { purpose, challenge })
}

/// A parameter that is a text.
pub(crate) fn text(example: &str) -> RefOr<Schema> {
    ObjectBuilder::new().schema_type(Type::String).examples([json!(example)]).into()
}

/// What `docs/openapi.json` says of it.
pub(crate) fn operations() -> Vec<Operation> {
    let one_of = |values: &[&str]| -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values.iter().copied())).into()
    };
    vec![
        Operation::new("startOAuth", HttpMethod::Get, "/api/v1/auth/oauth/{provider}", "providers")
            .says(
                "Sign in at a provider",
                "A navigation, not a call: it sends the browser to the provider, with a cookie that makes this browser the only one to come \
                 back. An application with delivery `cookie` has its session then; any other gets a code at `return_to`, and exchanges it.",
            )
            .of_application([""])
            .takes(ParameterIn::Path, "provider", text("google"), "What the deployment calls it.")
            .needs("return_to", text("https://app.example.com/signed-in"), "Where the browser goes at the end: one of the application's allowed addresses, to the letter. What kept somebody from signing in stands there as `error`.")
            .takes(ParameterIn::Query, "client_id", text(APPLICATION_ID), "The application, since a navigation has no `Api-Key`. Without it, the default one.")
            .takes(ParameterIn::Query, "state", text("af0ifjsldkj"), "Comes back to `return_to` as it is: at most 512 printable ASCII characters.")
            .takes(ParameterIn::Query, "code_challenge", text(CODE_CHALLENGE), "For a code, without which there is none (RFC 7636 §4.2).")
            .takes(ParameterIn::Query, "code_challenge_method", one_of(&["S256"]), "With `code_challenge`.")
            .takes(ParameterIn::Query, "link", one_of(&["false", "true"]), "Whether the code is to link the identity to a user who is signed in.")
            .redirects("To the provider.", SETS_COOKIES)
            .refuses([
                Problem::InvalidRequest("return_to is required"),
                Problem::ReturnToNotAllowed,
                Problem::ProviderNotFound,
                Problem::ProviderFailed(ProviderError::TimedOut),
                Problem::TooManyAttempts { retry_after: Duration::from_secs(1) },
            ]),
    ]
}
