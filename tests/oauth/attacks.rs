//! What keeps a flow with the browser and the provider that it began with.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use shared::{
    flow::{FLOW_LIFETIME, Ticket},
    world::{System, World},
};

use super::{
    Providers, Traveller, challenge, query_of,
    traveller::{RETURN_TO, invented},
};
use crate::support::VERIFIER;

#[tokio::test]
async fn state_is_wanted_and_is_the_browsers_own() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    let page = ada.leave("honest", &web, &[]).await;
    let back = ada.sign_in_at(&page, "ada-state").await;
    let [absent, other, twice] = [
        without(&back, "state"),
        with(&without(&back, "state"), "state", &invented()),
        with(&back, "state", &query_of(&back)["state"]),
    ];
    for url in [absent, other, twice, with(&without(&back, "state"), "state", "")] {
        ada.go(&url).await.problem(400, "invalid_state");
    }

    let mut eve = Traveller::new();
    eve.go(&back).await.problem(400, "invalid_state");
    eve.leave("honest", &web, &[]).await;
    eve.go(&back).await.problem(400, "invalid_state");
    assert!(!eve.cookies.contains_key("access_token"));
    let name = ada.flow_cookie().0.to_owned();
    eve.cookies.insert(name, invented());
    eve.go(&back).await.problem(400, "invalid_state");

    ada.go(&back).await.status(303);
    assert!(ada.cookies.contains_key("access_token"), "what others have tried has not used it up");
    assert!(ada.cookies.keys().all(|name| !name.starts_with("oauth_")), "and what it needed is gone from the browser");
    let answer = ada.go(&back).await.problem(400, "invalid_state");
    assert!(answer.headers.get("set-cookie").is_none(), "and the session that is there stays");
}

#[tokio::test]
async fn a_flow_is_over_after_ten_minutes_whether_or_not_its_item_is_still_there() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    let page = ada.leave("honest", &web, &[]).await;
    let back = ada.sign_in_at(&page, "ada-late").await;
    let key = format!("flow#{}", hashed(&query_of(&back)["state"]));
    let item = ada.app.database.flow(&key).await;
    let ends = item["expires_at"].as_n().expect("a number").parse::<u64>().expect("a number");
    let left = Duration::from_secs(ends - System.now().seconds());
    assert!(left <= FLOW_LIFETIME && left + Duration::from_secs(30) > FLOW_LIFETIME, "{left:?}");
    ada.app.database.expire_flow(&key).await;
    ada.go(&back).await.problem(400, "invalid_state");
}

#[tokio::test]
async fn the_table_holds_nothing_by_which_a_flow_could_be_finished() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    let page = ada.leave("honest", &web, &[]).await;
    let sent = query_of(&page);
    let item = format!("{:?}", ada.app.database.flow(&format!("flow#{}", hashed(&sent["state"]))).await);
    let browser = &ada.flow_cookie().1.to_owned();
    for secret in [&sent["state"], &sent["nonce"], &sent["code_challenge"], browser] {
        assert!(!item.contains(secret.as_str()), "{item}");
    }
    let proofs = Ticket::parse(browser).expect("a secret").proofs(&Ticket::parse(&sent["state"]).expect("a state"));
    assert_eq!(proofs.nonce.expose(), sent["nonce"]);
    assert_eq!(challenge(proofs.code_verifier.expose()), sent["code_challenge"]);
    assert!(!item.contains(proofs.code_verifier.expose()));
}

#[tokio::test]
async fn every_request_to_a_provider_has_pkce_and_state_and_openid_a_nonce() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    for (provider, nonce) in [("honest", true), ("plain", false)] {
        let sent = query_of(&ada.leave(provider, &web, &[]).await);
        assert_eq!(sent["response_type"], "code", "{provider}");
        assert_eq!(sent["code_challenge_method"], "S256", "{provider}");
        assert_eq!(URL_SAFE_NO_PAD.decode(&sent["code_challenge"]).expect("base64url").len(), 32, "{provider}");
        assert_eq!(sent["redirect_uri"], ada.app.url(&format!("/api/v1/auth/oauth/{provider}/callback")));
        assert_eq!(sent.contains_key("nonce"), nonce, "{provider}");
        assert!(!sent.contains_key("client_secret") && !sent.contains_key("prompt"), "{provider}");
        let own = challenge(VERIFIER);
        let more = [("code_challenge", own.as_str()), ("code_challenge_method", "S256"), ("link", "true")];
        let sent = query_of(&ada.leave(provider, &web, &more).await);
        assert_eq!(sent["prompt"], "select_account", "another account may be meant");
        assert_ne!(sent["code_challenge"], own, "the application's challenge is not ours");
    }
}

#[tokio::test]
async fn an_answer_meant_for_one_provider_is_nothing_at_another() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    // The mix-up of RFC 9700 §4.4: the browser is sent to one provider, and comes back to the other's address.
    let page = ada.leave("honest", &web, &[]).await;
    let back = ada.sign_in_at(&page, "ada-mixed").await;
    let elsewhere = back.replace("/oauth/honest/", "/oauth/mixed-up/");
    ada.go(&elsewhere).await.problem(400, "invalid_state");
    assert_eq!(Providers::get().count("mixed-up", "/token").await, 0, "no code went to the wrong one");

    // And its code, slipped into a flow of the other.
    let page = ada.leave("honest", &web, &[]).await;
    let foreign = query_of(&ada.sign_in_at(&page, "ada-mixed").await).remove("code").expect("a code");
    let page = ada.leave("honest-too", &web, &[]).await;
    let state = query_of(&page)["state"].clone();
    let url = ada.app.url(&format!("/api/v1/auth/oauth/honest-too/callback?state={state}&code={foreign}"));
    ada.go(&url).await.problem(400, "invalid_state");
    let page = ada.leave("honest-too", &web, &[]).await;
    let (state, iss) = (query_of(&page)["state"].clone(), &Providers::get().issuers["honest-too"]);
    let url = ada.app.url(&format!("/api/v1/auth/oauth/honest-too/callback?state={state}&code={foreign}&iss={iss}"));
    ada.go(&url).await.problem(400, "invalid_code");
    assert!(!ada.cookies.contains_key("access_token"));
}

#[tokio::test]
async fn a_code_of_somebody_elses_flow_is_refused() {
    let mut eve = Traveller::new();
    let web = eve.app.web();
    let page = eve.leave("honest", &web, &[]).await;
    let back = eve.sign_in_at(&page, "eve-injects").await;
    let mut ada = Traveller::new();
    let page = ada.leave("honest", &web, &[]).await;
    let state = query_of(&page)["state"].clone();
    let injected = with(&without(&back, "state"), "state", &state);
    ada.go(&injected).await.problem(400, "invalid_code");
    assert!(!ada.cookies.contains_key("access_token"), "PKCE ties the code to the flow that asked for it");
}

#[tokio::test]
async fn of_many_that_come_back_at_once_one_gets_a_session() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    let page = ada.leave("honest", &web, &[]).await;
    let back = ada.sign_in_at(&page, "ada-at-once").await;
    let copies = (0..20).map(|_| {
        let (mut copy, back) = (ada.clone(), back.clone());
        tokio::spawn(async move { copy.go(&back).await })
    });
    let answers: Vec<_> = join_all(copies).await.into_iter().map(|answer| answer.expect("an answer")).collect();
    let through: Vec<_> = answers.iter().filter(|answer| answer.status == 303).collect();
    assert_eq!(through.len(), 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    for answer in answers.iter().filter(|answer| answer.status != 303) {
        assert_eq!(answer.body()["code"], "invalid_state", "{}", answer.text);
    }
}

#[tokio::test]
async fn what_is_not_asked_as_it_should_be_is_told() {
    let mut ada = Traveller::new();
    let (web, service) = (ada.app.web(), ada.app.service());
    let sent = challenge(VERIFIER);
    let long = "x".repeat(513);
    let to = ("return_to", RETURN_TO);
    let (pkce, s256) = (("code_challenge", sent.as_str()), ("code_challenge_method", "S256"));
    for (application, parameters) in [
        (&service, vec![to]),
        (&service, vec![to, pkce]),
        (&service, vec![to, pkce, ("code_challenge_method", "plain")]),
        (&service, vec![to, ("code_challenge", "short"), s256]),
        (&service, vec![to, pkce, s256, ("link", "perhaps")]),
        (&web, vec![to, pkce, s256]),
        (&web, vec![to, ("link", "true")]),
        (&web, vec![to, ("state", &long)]),
        (&web, vec![to, ("state", "two\nlines")]),
        (&web, vec![to, ("client_secret", "s")]),
    ] {
        let answer = ada.start("honest", application, &parameters).await.problem(400, "invalid_request");
        assert!(answer.headers.get("location").is_none(), "{parameters:?}");
    }
    ada.start("nobody", &web, &[to]).await.problem(404, "provider_not_found");
    let url = ada.app.url(&format!("/api/v1/auth/oauth/nobody/callback?state={}", invented()));
    ada.go(&url).await.problem(404, "provider_not_found");
    let url = ada.app.url(&format!("/api/v1/auth/oauth/honest?return_to={RETURN_TO}&client_id=nobody"));
    ada.go(&url).await.problem(400, "invalid_request");

    let page = ada.leave("honest", &web, &[]).await;
    let (state, iss) = (query_of(&page)["state"].clone(), &Providers::get().issuers["honest"]);
    ada.go(&ada.app.url(&format!("/api/v1/auth/oauth/honest/callback?state={state}&iss={iss}")))
        .await
        .problem(400, "invalid_request");
}

fn with(url: &str, name: &str, value: &str) -> String {
    let mut url = reqwest::Url::parse(url).expect("a URL");
    url.query_pairs_mut().append_pair(name, value);
    url.into()
}

fn without(url: &str, name: &str) -> String {
    let mut parsed = reqwest::Url::parse(url).expect("a URL");
    let left = query_of(url).into_iter().filter(|(other, _)| other != name);
    parsed.query_pairs_mut().clear().extend_pairs(left);
    parsed.into()
}

fn hashed(ticket: &str) -> String {
    Ticket::parse(ticket).expect("a ticket").hashed().as_str().to_owned()
}

#[tokio::test]
async fn nothing_but_a_browser_that_goes_there_begins_a_flow() {
    let mut ada = Traveller::new();
    let web = ada.app.web();
    let path = format!("/oauth/honest?client_id={}&return_to={RETURN_TO}", web.id);
    for (destination, status) in [("image", 400), ("iframe", 400), ("empty", 400), ("document", 303)] {
        let answer = ada.go_as(&ada.app.url(&format!("/api/v1/auth{path}")), destination).await;
        assert_eq!(answer.status, status, "{destination}: {}", answer.text);
        assert_eq!(answer.headers.contains_key("set-cookie"), status == 303, "{destination}");
    }
}
