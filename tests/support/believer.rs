//! A provider that believes whatever it is told, and flows at it that a test has begun itself: for tests of what DynamoDB is asked. What a
//! real provider does is for `tests/oauth`.

use std::collections::HashMap;

use aws_lc_rs::digest;
use axum::{
    Form, Json, Router,
    http::HeaderMap,
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use shared::{
    flow::{CodeChallenge, Flow, Grant, Outcome, Purpose, Ticket},
    http::Cookies,
    identity::Assertion,
    store::Store,
    world::{System, World},
};

use super::Known;

/// What the deployment calls it.
pub const BELIEVER: &str = "believer";
/// Where its flows end.
pub const BELIEVERS_END: &str = "https://app.example.com/";
/// Its client secret, and the variable that holds it.
pub const BELIEVERS_SECRET: (&str, &str) = ("BELIEVERS_CLIENT_SECRET", "of the believer");

const ISSUER: &str = "http://localhost/believer";
/// The application's own PKCE verifier, in every flow that has one.
pub const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-in-all";

/// Starts it, and gives the parameter that says how it is configured.
pub async fn believer() -> String {
    // Whoever brings the code `X` is `X`.
    let token = |Form(form): Form<HashMap<String, String>>| async move {
        Json(json!({"access_token": form["code"], "token_type": "bearer"}))
    };
    let user = |headers: HeaderMap| async move {
        let bearer = headers["authorization"].to_str().unwrap_or_default();
        Json(json!({"id": bearer.trim_start_matches("Bearer ")}))
    };
    let router = Router::new().route("/token", post(token)).route("/user", get(user));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    believer_at(&address)
}

/// The parameter for one at `address`, where nobody need be as long as nobody comes back from there.
pub fn believer_at(address: &str) -> String {
    let settings = json!([{
        "name": BELIEVER, "issuer": ISSUER, "client_id": "id", "client_secret": format!("env:{}", BELIEVERS_SECRET.0), "subject": "id",
        "authorization_endpoint": format!("{address}/authorize"), "token_endpoint": format!("{address}/token"),
        "userinfo_endpoint": format!("{address}/user"),
    }]);
    format!("OAuthProviders={settings}")
}

/// Somebody there, by the code that they bring.
pub fn believed(subject: &str) -> Assertion {
    Assertion {
        provider: BELIEVER.to_owned(),
        issuer: ISSUER.to_owned(),
        subject: subject.to_owned(),
        email: None,
        trusted_for_email: false,
    }
}

/// A text that only `subject` knows, for `what`. The same whenever it is asked for.
fn ticket(subject: &str, what: &str) -> Ticket {
    let hash = digest::digest(&digest::SHA256, format!("{subject}/{what}").as_bytes());
    Ticket::parse(&URL_SAFE_NO_PAD.encode(hash)).expect("a ticket")
}

/// Begins a flow of `subject` for `application`, which ends with a code for `purpose`, or with cookies.
pub async fn begin_flow(store: &Store, application: &Known, subject: &str, purpose: Option<Purpose>) {
    let challenge = CodeChallenge::of(VERIFIER).expect("a verifier");
    let flow = Flow {
        provider: BELIEVER.to_owned(),
        application_id: application.id.parse().expect("an id"),
        return_to: BELIEVERS_END.to_owned(),
        client_state: None,
        outcome: match purpose {
            Some(purpose) => Outcome::Code { purpose, challenge },
            None => Outcome::Session { replaces: None },
        },
    };
    let (state, browser) = (ticket(subject, "state").hashed(), ticket(subject, "browser").hashed());
    store.flows.begin(&flow, &state, &browser, System.now()).await.expect("a flow");
}

/// Issues a code to `application`, as at the end of a flow of `subject`.
pub async fn issue_code(store: &Store, application: &Known, subject: &str, purpose: Purpose) {
    let grant = Grant {
        application_id: application.id.parse().expect("an id"),
        purpose,
        challenge: CodeChallenge::of(VERIFIER).expect("a verifier"),
        assertion: believed(subject),
    };
    store.flows.issue(&grant, &ticket(subject, "code").hashed(), System.now()).await.expect("a code");
}

/// Where the provider sends the browser of `subject` back to, and the cookie that it has.
pub fn way_back(subject: &str) -> (String, String) {
    let path = format!("/oauth/{BELIEVER}/callback?state={}&code={subject}", ticket(subject, "state").expose());
    let cookie = Cookies::new(false).set_flow(&ticket(subject, "state"), &ticket(subject, "browser"));
    (path, cookie.split(';').next().unwrap_or_default().to_owned())
}

/// The body that exchanges the code of `subject`.
pub fn presented(subject: &str) -> Value {
    json!({"code": ticket(subject, "code").expose(), "code_verifier": VERIFIER})
}
