//! Codes: for one application, once, for a minute, with the verifier.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use shared::{
    flow::{CODE_LIFETIME, Ticket},
    world::{System, World},
};

use super::{
    Traveller,
    traveller::{RETURN_TO, invented},
};
use crate::support::VERIFIER;

#[tokio::test]
async fn a_code_is_nothing_without_its_verifier_or_to_another_application() {
    let mut ada = Traveller::new();
    let service = ada.app.service();
    let other = ada.app.application(|application| application.allowed_return_to = vec![RETURN_TO.to_owned()]).await;
    let code = ada.fetch_code("honest", &service, "login=ada-codes&action=continue", false).await;
    ada.exchange(&other, &code).await.problem(400, "invalid_code");
    for (code, verifier) in [
        (code.as_str(), "another-verifier-of-at-least-forty-three-characters"),
        (&code, "short"),
        (&code, ""),
        (&code, &super::challenge(VERIFIER)),
        (&invented(), VERIFIER),
        ("", VERIFIER),
    ] {
        let body = json!({"code": code, "code_verifier": verifier});
        ada.app.post(&service, "/oauth/exchange", &body).await.problem(400, "invalid_code");
    }
    let answer = ada.app.post(&service, "/oauth/exchange", &json!({"code": 1})).await;
    answer.problem(422, "validation_failed");
    ada.exchange(&service, &code).await.ok();
}

#[tokio::test]
async fn a_code_that_is_used_again_ends_the_session_that_came_of_it() {
    let mut ada = Traveller::new();
    let service = ada.app.service();
    let code = ada.fetch_code("honest", &service, "login=ada-reused&action=continue", false).await;
    let tokens = ada.exchange(&service, &code).await.ok();
    let refresh = json!({"refresh_token": tokens.text_of("refresh_token")});
    ada.app.post(&service, "/refresh", &refresh).await.ok();

    let body = json!({"code": code, "code_verifier": "a-thief-who-has-the-code-and-not-the-verifier"});
    ada.app.post(&service, "/oauth/exchange", &body).await.problem(400, "invalid_code");
    let live = ada.app.request("GET", "/token-info").bearer_auth(tokens.text_of("access_token"));
    ada.app.send(live).await.ok();

    ada.exchange(&service, &code).await.problem(400, "invalid_code");
    let live = ada.app.request("GET", "/token-info").bearer_auth(tokens.text_of("access_token"));
    ada.app.send(live).await.problem(401, "invalid_token");
    ada.app.post(&service, "/refresh", &refresh).await.problem(401, "invalid_grant");
}

#[tokio::test]
async fn of_many_exchanges_at_once_none_leaves_a_session_behind() {
    let mut ada = Traveller::new();
    let service = ada.app.service();
    let code = ada.fetch_code("honest", &service, "login=ada-raced&action=continue", false).await;
    let copies = (0..50).map(|_| {
        let (ada, service, code) = (ada.clone(), service.clone(), code.clone());
        tokio::spawn(async move { ada.exchange(&service, &code).await })
    });
    let answers: Vec<_> = join_all(copies).await.into_iter().map(|answer| answer.expect("an answer")).collect();
    let through: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
    assert_eq!(through.len(), 1, "one gets tokens");
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!((answer.status, answer.body()["code"].as_str()), (400, Some("invalid_code")), "{}", answer.text);
    }
    // Whoever came first, somebody came again, so that the session is over.
    for answer in through {
        let live = ada.app.request("GET", "/token-info").bearer_auth(answer.text_of("access_token"));
        ada.app.send(live).await.problem(401, "invalid_token");
    }
}

#[tokio::test]
async fn a_code_is_good_for_a_minute_and_used_up_after_it_ends_nothing() {
    let mut ada = Traveller::new();
    let service = ada.app.service();
    let code = ada.fetch_code("honest", &service, "login=ada-minute&action=continue", false).await;
    let key = format!("code#{}", Ticket::parse(&code).expect("a code").hashed().as_str());
    let item = ada.app.database.flow(&key).await;
    assert!(!format!("{item:?}").contains(&code), "its hash is stored");
    let ends = item["expires_at"].as_n().expect("a number").parse::<u64>().expect("a number");
    let left = Duration::from_secs(ends - System.now().seconds());
    assert!(left <= CODE_LIFETIME && left + Duration::from_secs(15) > CODE_LIFETIME, "{left:?}");
    ada.app.database.expire_flow(&key).await;
    ada.exchange(&service, &code).await.problem(400, "invalid_code");

    let code = ada.fetch_code("honest", &service, "login=ada-minute&action=continue", false).await;
    let key = format!("code#{}", Ticket::parse(&code).expect("a code").hashed().as_str());
    let tokens = ada.exchange(&service, &code).await.ok();
    ada.app.database.expire_flow(&key).await;
    ada.exchange(&service, &code).await.problem(400, "invalid_code");
    let live = ada.app.request("GET", "/token-info").bearer_auth(tokens.text_of("access_token"));
    ada.app.send(live).await.ok();
}

#[tokio::test]
async fn a_code_for_linking_signs_nobody_in() {
    let mut ada = Traveller::new();
    let service = ada.app.service();
    let code = ada.fetch_code("honest", &service, "login=ada-purpose&action=continue", true).await;
    ada.exchange(&service, &code).await.problem(400, "invalid_code");
}

#[tokio::test]
async fn a_body_that_is_none_is_told_what_it_lacks() {
    let app = Traveller::new().app;
    let service = app.service();
    let ada = app.signed_in(&service, "ada").await;
    let huge = format!(r#"{{"code": "{}"}}"#, "x".repeat(70_000));
    for path in ["/oauth/exchange", "/identities"] {
        for (media_type, body, status, code) in [
            ("application/json", "{", 400, "malformed_json"),
            ("application/json", "{}", 422, "validation_failed"),
            ("application/json", &huge, 413, "body_too_large"),
            ("application/x-www-form-urlencoded", "code=x", 415, "unsupported_media_type"),
        ] {
            let request = app.request("POST", path).header("api-key", &service.publishable_key);
            let request = request.bearer_auth(&ada.access_token).header("content-type", media_type);
            app.send(request.body(body.to_owned())).await.problem(status, code);
        }
    }
}
