//! What each misbehaving provider gets: an answer that says so, in time, and never a session or half an account.

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    Providers, Traveller, place,
    providers::{CLIENT_ID, CLIENT_SECRET},
    query_of,
    traveller::RETURN_TO,
};
use crate::support::{Answer, Known};

/// A provider's time, and as much again for a busy machine.
const IN_TIME: Duration = Duration::from_secs(10);

/// Where the way ends.
#[derive(Debug, Clone, Copy)]
enum End {
    /// At the first step, before anybody has seen the provider's page.
    Start(u16, &'static str),
    /// At the last one.
    Callback(u16, &'static str),
    /// Where the application wants the browser, with this `error`.
    Told(&'static str),
    /// There as well, with a session.
    SignedIn,
}

const FAILED: End = End::Callback(502, "provider_failed");

const EXPECTED: [(&str, End); 42] = [
    ("wrong-iss", FAILED),
    ("wrong-aud", FAILED),
    ("extra-aud", FAILED),
    ("wrong-azp", FAILED),
    ("wrong-nonce", FAILED),
    ("no-nonce", FAILED),
    ("alg-none", FAILED),
    ("hs256-secret", FAILED),
    ("hs256-public", FAILED),
    ("swapped-keys", FAILED),
    ("unknown-kid", FAILED),
    ("jku", FAILED),
    ("expired", FAILED),
    ("just-expired", End::SignedIn),
    ("too-old", FAILED),
    ("future-iat", FAILED),
    ("just-ahead", End::SignedIn),
    ("no-exp", FAILED),
    ("no-sub", FAILED),
    ("no-id-token", FAILED),
    ("garbage-id-token", FAILED),
    ("metadata-issuer", End::Start(502, "provider_failed")),
    ("metadata-clear", End::Start(502, "provider_failed")),
    ("metadata-500", End::Start(502, "provider_failed")),
    ("metadata-hang", End::Start(502, "provider_failed")),
    ("metadata-redirect", End::Start(502, "provider_failed")),
    ("metadata-html", End::Start(502, "provider_failed")),
    ("metadata-huge", End::Start(502, "provider_failed")),
    ("jwks-huge", FAILED),
    ("jwks-hang", FAILED),
    ("jwks-500", FAILED),
    ("token-500", FAILED),
    ("token-hang", FAILED),
    ("token-redirect", FAILED),
    ("token-html", FAILED),
    ("token-huge", FAILED),
    ("token-slow-drip", FAILED),
    ("token-invalid-grant", End::Callback(400, "invalid_code")),
    ("iss-parameter-wrong", End::Callback(400, "invalid_state")),
    ("iss-parameter-missing", End::Callback(400, "invalid_state")),
    ("authorization-error", End::Told("server_error")),
    ("honest", End::SignedIn),
];

const EXPECTED_OF_PLAIN: [(&str, End); 5] = [
    ("plain", End::SignedIn),
    ("plain-error-200", End::Callback(400, "invalid_code")),
    ("plain-userinfo-500", FAILED),
    ("plain-no-id", FAILED),
    ("plain-userinfo-hang", FAILED),
];

#[tokio::test]
async fn every_way_to_misbehave_is_met() {
    let expected = EXPECTED.iter().chain(&EXPECTED_OF_PLAIN);
    let providers = Providers::get();
    let known = providers.issuers.keys().chain(providers.plain.keys());
    let others = ["honest-too", "mixed-up", "rotating-keys", "trusted"];
    for name in known.filter(|name| !others.contains(&name.as_str())) {
        assert!(expected.clone().any(|(expected, _)| expected == name), "{name}");
    }
    let web = place().web();
    let ways = expected.map(|(name, end)| {
        let web = web.clone();
        tokio::spawn(async move { meet(name, *end, &web).await })
    });
    for way in ways.collect::<Vec<_>>() {
        way.await.expect("it went as expected");
    }
}

async fn meet(name: &str, end: End, web: &Known) {
    let login = format!("ada-{name}");
    let mut ada = Traveller::new();
    let began = Instant::now();
    let answer = ada.start(name, web, &[("return_to", RETURN_TO)]).await;
    assert!(began.elapsed() < IN_TIME, "{name} took {:?} to begin", began.elapsed());
    if let End::Start(status, code) = end {
        refused(name, &answer, status, code, &ada);
        return;
    }
    let page = answer.status(303).header("location").to_owned();
    let back = ada.sign_in_at(&page, &login).await;
    let began = Instant::now();
    let answer = ada.go(&back).await;
    assert!(began.elapsed() < IN_TIME, "{name} took {:?} to end", began.elapsed());
    match end {
        End::Callback(status, code) => refused(name, &answer, status, code, &ada),
        End::SignedIn => {
            assert_eq!((answer.status, answer.header("location")), (303, RETURN_TO), "{name}");
            assert!(ada.cookies.contains_key("access_token"), "{name}");
        }
        End::Told(error) => {
            let location = answer.status(303).header("location").to_owned();
            let said = query_of(&location);
            assert_eq!(said.into_iter().collect::<Vec<_>>(), [("error".to_owned(), error.to_owned())], "{name}");
            assert!(!ada.cookies.contains_key("access_token"), "{name}");
        }
        End::Start(..) => unreachable!("it would have ended before"),
    }
    let again = ada.go(&back).await.problem(400, "invalid_state");
    assert!(again.headers.get("set-cookie").is_none(), "{name}");
}

#[track_caller]
fn refused(name: &str, answer: &Answer, status: u16, code: &str, traveller: &Traveller) {
    assert_eq!((answer.status, answer.body()["code"].as_str()), (status, Some(code)), "{name}: {}", answer.text);
    assert!(!traveller.cookies.contains_key("access_token"), "{name}");
    assert!(answer.headers.get("location").is_none(), "{name}");
}

#[tokio::test]
async fn no_function_writes_down_the_client_secret() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    for name in ["honest", "token-500", "token-html", "plain-error-200"] {
        ada.travel(name, &web, "ada-secret").await;
    }
    let log = std::fs::read_to_string(&ada.app.stack.log_file).expect("the log can be read");
    assert!(log.contains("provider_failed"), "what failed is written down");
    let encoded: String = form_urlencoded::byte_serialize(CLIENT_SECRET.as_bytes()).collect();
    let basic = STANDARD.encode(format!("{CLIENT_ID}:{encoded}"));
    for form in [CLIENT_SECRET, &encoded, &basic] {
        assert!(!log.contains(form), "{form}");
    }
}

#[tokio::test]
async fn nobody_is_half_made_by_a_provider_that_fails() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    for name in ["swapped-keys", "token-500"] {
        let answer = ada.travel(name, &web, "ada-half").await;
        answer.problem(502, "provider_failed");
        let id = shared::identity::IdentityId::of(&Providers::get().issuers[name], "ada-half");
        let holder = ada.app.database.store().users.find_by_identity(&id).await.expect("the store answers");
        assert_eq!(holder, None, "{name}");
    }
}

#[tokio::test]
async fn a_header_that_names_a_place_for_keys_is_not_followed() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    ada.travel("jku", &web, "ada-jku").await.problem(502, "provider_failed");
    assert_eq!(Providers::get().count("jku", "/elsewhere/jwks").await, 0);
}

#[tokio::test]
async fn no_redirect_of_a_provider_is_followed_with_the_code_and_the_secret() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    let asked = Providers::get().count("token-redirect", "/token").await;
    ada.travel("token-redirect", &web, "ada-redirect").await.problem(502, "provider_failed");
    let now = Providers::get().count("token-redirect", "/token").await;
    // Other tests may have been there meanwhile: once each.
    assert!((1..=3).contains(&(now - asked)), "{}", now - asked);
}

#[tokio::test]
async fn who_changes_their_mind_is_sent_back_and_is_nobody() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    let page = ada.leave("honest", &web, &[("state", "kept")]).await;
    let back = ada.visit(&page, "login=ada-cancels&action=cancel").await;
    let location = ada.go(&back).await.status(303).header("location").to_owned();
    assert_eq!(location, format!("{RETURN_TO}?error=access_denied&state=kept"));
    assert!(!ada.cookies.contains_key("access_token"));
    ada.go(&back).await.problem(400, "invalid_state");
    ada.travel("honest", &web, "ada-cancels").await.status(303);
}
