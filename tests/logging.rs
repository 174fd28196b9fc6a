//! What the functions write to their logs, and what they never do.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{App, PASSWORD, Person, lines_of};

/// The lines of a log that concern `user_key`.
fn audit_of(log: &str, user_key: &str) -> Vec<Value> {
    lines_of(log).into_iter().filter(|line| line["type"] == "audit" && line["user_key"] == user_key).collect()
}

#[tokio::test]
async fn every_security_event_names_who_where_and_which_request() {
    let app = App::start();
    let mut alice = app.signed_in(&app.service(), "alice").await;
    let (thief, tab) = (alice.clone(), alice.clone());
    alice.refresh().await.ok();
    tab.refresh_and_lose_the_answer().await.ok();
    alice.waits(60).await;
    tab.refresh_and_lose_the_answer().await.ok();
    thief.refresh_with(&alice.refresh_token).await.problem(401, "invalid_grant");
    let last = thief.refresh_and_lose_the_answer().await.problem(401, "invalid_grant");

    let expected = [
        "user.registered",
        "sign_in.succeeded",
        "refresh.rotated",
        "refresh.repeated",
        "refresh.recovered",
        "refresh.reuse_detected",
        "refresh.refused",
    ];
    // Two functions' lines may overtake each other, so the order is not that of the events.
    let are_here = |log: &str| audit_of(log, &alice.user_key).len() >= expected.len();
    app.stack.log_with("every event", are_here).await;
    let lines = audit_of(&app.stack.log_until(&last).await, &alice.user_key);
    let events: BTreeSet<_> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    assert_eq!((events, lines.len()), (BTreeSet::from(expected), expected.len()));
    for line in lines {
        assert_eq!(line["application_id"], alice.application.id, "{line}");
        assert_eq!(line["source_ip"], "127.0.0.1", "{line}");
        assert!(line["time"].is_u64() && line["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{line}");
        let of_a_session = line["event"] != "user.registered";
        assert_eq!(line["session_id"].is_string(), of_a_session, "{line}");
    }
}

#[tokio::test]
async fn no_secret_is_ever_logged() {
    let app = App::start();
    let mut alice = app.signed_in(&app.service(), "alice").await;
    let mut secrets = secrets_of(&alice);
    alice.refresh().await.ok();
    secrets.extend(secrets_of(&alice));

    // Things that go wrong log more than things that go well.
    let secret = "a secret that nobody else has: 7f0c";
    let body = json!({"user_id": alice.user_id, "user_secret": secret});
    let both = json!({"user_id": secret, "user_secret": secret});
    let query = format!("/whoami?access_token={}", alice.access_token);
    let mut answers = vec![
        app.post(&alice.application, "/authenticate", &body).await.problem(401, "invalid_credentials"),
        app.post(&alice.application, "/register", &both).await.status(422),
        app.post(&alice.application, "/refresh", &json!({"refresh_token": [secret]})).await.status(422),
        alice.refresh_with(secret).await.problem(401, "invalid_grant"),
        app.get(&alice.application, &query).await.problem(400, "invalid_request"),
    ];
    app.database.set_user(&alice.user_key, "status", "neither").await;
    answers.push(alice.token_info().await.problem(500, "internal_error"));
    answers.push(alice.log_out().await.ok());

    secrets.extend([secret.to_owned(), PASSWORD.to_owned(), alice.application.secret_key.clone()]);
    secrets.push(alice.application.publishable_key.clone());
    let mut log = String::new();
    for answer in &answers {
        log = app.stack.log_until(answer).await;
    }
    assert!(log.contains(&alice.user_key), "the log is the right one");
    for secret in secrets {
        assert!(!log.contains(&secret), "the log holds {secret}");
    }
}

/// A person's tokens, whole and by the part that makes them secret.
fn secrets_of(person: &Person) -> Vec<String> {
    let signature = person.access_token.rsplit('.').next().unwrap_or_default();
    vec![person.access_token.clone(), signature.to_owned(), person.refresh_token.clone()]
}

#[tokio::test]
async fn an_item_that_cannot_exist_is_named_in_the_log_and_nowhere_else() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    app.database.set_user(&alice.user_key, "status", "neither").await;
    let answer = alice.token_info().await.problem(500, "internal_error");
    assert!(!answer.text.contains("users") && !answer.text.contains(&alice.user_key), "{}", answer.text);

    let cause = format!("item user#{}: attribute status is missing or can't be read", alice.user_key);
    app.stack.log_with(&cause, |log| log.contains(&cause)).await;
}

#[tokio::test]
async fn input_cannot_forge_a_line() {
    let app = App::start();
    let forged = "x\r\n{\"type\":\"audit\",\"event\":\"forged\"}\r\n";
    let body = json!({"user_id": forged, "user_secret": PASSWORD});
    let refused = app.post(&app.service(), "/authenticate", &body).await.problem(401, "invalid_credentials");
    let rejected = app.post(&app.service(), "/register", &body).await.problem(422, "validation_failed");
    for answer in [refused, rejected] {
        let log = app.stack.log_until(&answer).await;
        assert!(!lines_of(&log).iter().any(|line| line["event"] == "forged"));
    }
}
