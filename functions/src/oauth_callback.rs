//! `GET /oauth/{provider}/callback`: where a provider sends a browser back.
//!
//! First of all the flow is used up, which only the browser can do that began it. Whatever comes after, nobody gets a second try with the
//! same URL, and an account is made by one transaction or not at all.

use shared::{
    application::Application,
    audit::{self, Action},
    config::Config,
    federation,
    flow::{Flow, Grant, Outcome, Ticket},
    gate,
    http::{Request, Response},
    ids::SessionRef,
    opening::Opening,
    problem::Problem,
    provider::{ConnectError, ProviderError, Providers},
    session::{Method, Session},
    store::{Applications, Flows, Sessions, Users},
    user::User,
    world::{Timestamp, World},
};
use utoipa::openapi::{HttpMethod, path::ParameterIn};

use crate::{
    oauth_start::text,
    openapi::{CODE, Operation, SETS_COOKIES},
};

/// What a provider may say of a sign-in that came to nothing, to be told to the application (RFC 6749 §4.1.2.1, OpenID Connect Core
/// §3.1.2.6). Anything else, and any description, would be a stranger's words in the application's page.
const ERRORS: [&str; 11] = [
    "access_denied",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "invalid_request",
    "invalid_scope",
    "login_required",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_response_type",
];

/// What finishing a sign-in needs beside the stores.
pub struct Finish {
    providers: Providers,
    opening: Opening,
    /// Our own identifier, for the application to know who sends it a code (RFC 9207).
    issuer: String,
}

impl Finish {
    /// As the deployment's settings say.
    ///
    /// # Errors
    ///
    /// If providers can't be spoken to at all.
    pub fn new(config: Config, opening: Opening) -> Result<Self, ConnectError> {
        let providers = Providers::connect(config.providers, &config.issuer, config.aws, config.secret_stores)?;
        Ok(Self { providers, opening, issuer: config.issuer })
    }
}

/// Answers 303 to where the application wanted the browser: with cookies, with a code, or with what kept somebody from signing in. 400 if
/// the flow is not this browser's, 502 if the provider does not do its part.
pub async fn handle(
    request: Request,
    applications: &Applications,
    users: &Users,
    sessions: &Sessions,
    flows: &Flows,
    finish: &Finish,
    world: &impl World,
) -> Result<Response, Problem> {
    let now = world.now();
    let provider = request.path_parameter("provider").unwrap_or_default();
    let provider = finish.providers.find(&provider).ok_or(Problem::ProviderNotFound)?;
    let (state, browser) = tickets(&request, finish)?;
    let flow = flows.end(&state.hashed(), &browser.hashed(), now, world).await?;
    // The redirect URI is the provider's own, so that another one can't have sent the browser here (RFC 9700 §4.4.2).
    let flow = flow.filter(|flow| flow.provider == provider.name()).ok_or(Problem::InvalidState)?;
    let application = gate::by_id(flow.application_id, applications, now).await?.ok_or(Problem::InvalidState)?;
    if !application.allows_return_to(&flow.return_to) {
        return Err(Problem::ReturnToNotAllowed);
    }

    let end = End { state: &state, request: &request, application: &application, flow: &flow, finish, now };
    let asserted = async {
        let iss = request.query_parameter("iss");
        let code = match answer(&request)? {
            Ok(code) => code,
            Err(error) => {
                provider.check_issuer(iss.as_deref(), now).await?;
                return Ok(Err(error));
            }
        };
        let proofs = browser.proofs(&state);
        let assertion = finish.providers.redeem(provider, (code, iss.as_deref()), &state, &proofs, now).await?;
        Ok::<_, Problem>(Ok(assertion))
    };
    let assertion = match asserted.await {
        Ok(Ok(assertion)) => assertion,
        Ok(Err(error)) => return Ok(end.refused(None, error)),
        Err(problem) => {
            end.note_failure(None);
            return Err(problem);
        }
    };
    match flow.outcome.clone() {
        Outcome::Code { purpose, challenge } => {
            let grant = Grant { application_id: application.id, purpose, challenge, assertion };
            let code = Ticket::random(world);
            flows.issue(&grant, &code.hashed(), now).await?;
            Ok(end.back(&[("code", code.expose()), ("iss", &finish.issuer)]))
        }
        Outcome::Session { replaces } => {
            let resolved = federation::resolve(&assertion, &application, users, now, world).await?;
            resolved.record(&request, &application, &assertion, now);
            end.open(resolved.user(), replaces, sessions, world).await
        }
    }
}

/// The flow's state and the browser's secret.
fn tickets(request: &Request, finish: &Finish) -> Result<(Ticket, Ticket), Problem> {
    let state = request.query_parameter("state").and_then(|text| Ticket::parse(&text));
    let state = state.ok_or(Problem::InvalidState)?;
    let browser = finish.opening.cookies.flow(request.headers(), &state).ok_or(Problem::InvalidState)?;
    Ok((state, browser))
}

/// The provider's answer: a code, or its word for why there is none.
fn answer(request: &Request) -> Result<Result<String, &'static str>, Problem> {
    if let Some(error) = request.query_parameter("error") {
        return Ok(Err(ERRORS.into_iter().find(|known| *known == error).unwrap_or("server_error")));
    }
    request.query_parameter("code").map(Ok).ok_or(Problem::InvalidRequest("the provider has sent no code"))
}

/// The end of a flow.
struct End<'a> {
    state: &'a Ticket,
    request: &'a Request,
    application: &'a Application,
    flow: &'a Flow,
    finish: &'a Finish,
    now: Timestamp,
}

impl End<'_> {
    /// A session, in cookies. A disabled user has none.
    async fn open(
        &self,
        user: &User,
        replaces: Option<SessionRef>,
        sessions: &Sessions,
        world: &impl World,
    ) -> Result<Response, Problem> {
        if !user.is_active() {
            return Ok(self.refused(Some(user), "access_denied"));
        }
        let (application, opening) = (self.application, &self.finish.opening);
        let session = Session::begin(user, Method::Federated, application, self.request.device(), world, self.now);
        let opened = opening.open(session, user, application, replaces, sessions, world).await?;
        opened.record(self.request, application, Some(&self.flow.provider));
        Ok(self.back(&[]).with_cookies(opening.cookies.set(&opened.tokens)))
    }

    /// Writes down that nobody has signed in.
    fn note_failure(&self, user: Option<&User>) {
        let event = self.request.event(Action::SignInFailed, self.application, self.now);
        let event = event.of_user(user.map(|user| user.key));
        audit::record(&event.at_provider(self.flow.provider.as_str()));
    }

    fn refused(&self, user: Option<&User>, error: &str) -> Response {
        self.note_failure(user);
        match self.flow.outcome {
            Outcome::Session { .. } => self.back(&[("error", error)]),
            // Whoever waits for a code must be able to tell whose answer this is (RFC 9207 §2).
            Outcome::Code { .. } => self.back(&[("error", error), ("iss", &self.finish.issuer)]),
        }
    }

    /// To where the application wants the browser, with `said` and its own state in the query.
    fn back(&self, said: &[(&str, &str)]) -> Response {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let state = self.flow.client_state.as_deref().map(|state| ("state", state));
        let query = query.extend_pairs(said.iter().copied().chain(state)).finish();
        let return_to = &self.flow.return_to;
        let joint = if return_to.contains('?') { '&' } else { '?' };
        let location = if query.is_empty() { return_to.clone() } else { format!("{return_to}{joint}{query}") };
        Response::redirect(&location).with_cookies([self.finish.opening.cookies.clear_flow(self.state)])
    }
}

/// What `docs/openapi.json` says of it.
pub(crate) fn operations() -> Vec<Operation> {
    vec![
        Operation::new("finishOAuth", HttpMethod::Get, "/api/v1/auth/oauth/{provider}/callback", "providers")
            .says(
                "Come back from a provider",
                "Where a provider sends the browser; register this address there. It ends each sign-in once, in the browser that began it: which has a cookie for it, named after a hash of `state`.",
            )
            .of_anybody()
            .asks_store()
            .takes(ParameterIn::Path, "provider", text("google"), "What the deployment calls it.")
            .takes(ParameterIn::Query, "state", text(CODE), "As it was sent to the provider.")
            .takes(ParameterIn::Query, "code", text("4/0AVGzR1B"), "The provider's code.")
            .takes(ParameterIn::Query, "iss", text("https://accounts.google.com"), "The provider's issuer (RFC 9207).")
            .takes(ParameterIn::Query, "error", text("access_denied"), "Why there is no code.")
            .redirects(
                "To `return_to`: with cookies; or with `code` and `iss`, our own issuer; or with `error`. And with `state`, if there was one.",
                SETS_COOKIES,
            )
            .refuses([
                Problem::InvalidState,
                Problem::InvalidCode,
                Problem::InvalidRequest("the provider has sent no code"),
                Problem::ReturnToNotAllowed,
                Problem::ProviderNotFound,
                Problem::ProviderFailed(ProviderError::TimedOut),
            ]),
    ]
}
