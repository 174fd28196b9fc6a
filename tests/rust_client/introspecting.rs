//! How fast a revocation is noticed, and what it costs to ask.

use std::time::Duration;

use gatelet_client::{Code, IntrospectError, Introspector};
use serde_json::Value;

use super::{Same, issuer};
use crate::support::{App, Clock, lines_of};

/// How often `/introspect` was asked by this application.
async fn questions(app: &App, application_id: &str, enough: usize) -> usize {
    let asked = |line: &Value| {
        line["type"] == "request"
            && line["route"] == "POST /api/v1/auth/introspect"
            && line["application_id"] == application_id
    };
    let count = |log: &str| lines_of(log).iter().filter(|line| asked(line)).count();
    count(&app.stack.log_with("the questions", |log| count(log) >= enough).await)
}

#[tokio::test]
async fn a_revocation_is_noticed_within_the_time_to_live() {
    let app = App::start();
    let application = app.application(|_| ()).await;
    let alice = app.signed_in(&application, "alice").await;
    let clock = Clock::starting_now();
    let introspector = Introspector::builder(issuer(&app), application.secret_key.as_str()).clock(Same(clock.clone()));
    let introspector = introspector.build().expect("an introspector");
    let is_active = async || introspector.introspect(&alice.access_token).await.expect("an answer").is_some();

    let active = introspector.introspect(&alice.access_token).await.expect("an answer").expect("a good token");
    assert_eq!((&active.user_key, &active.username), (&alice.user_key, &alice.user_id));
    assert_eq!(active.session_id, alice.session_id());
    alice.log_out().await.ok();
    clock.advance(Duration::from_secs(9));
    assert!(is_active().await, "so old an answer may be");
    clock.advance(Duration::from_secs(1));
    assert!(!is_active().await && !is_active().await);
    assert_eq!(questions(&app, &application.id, 2).await, 2);
}

#[tokio::test]
async fn a_refresh_token_and_a_stranger_s_token_are_told_apart() {
    let app = App::start();
    let (alice, bob) = (app.signed_in(&app.service(), "alice").await, app.signed_in(&app.legacy(), "bob").await);
    let introspector = Introspector::new(issuer(&app), app.service().secret_key).expect("an introspector");
    let active = introspector.introspect(&alice.refresh_token).await.expect("an answer").expect("a good token");
    assert_eq!(active.user_key, alice.user_key);
    for other in [bob.access_token.as_str(), "junk", ""] {
        assert!(introspector.introspect(other).await.is_ok_and(|active| active.is_none()), "{other}");
    }
    let stranger = Introspector::new(issuer(&app), app.service().publishable_key).expect("an introspector");
    match stranger.introspect(&alice.access_token).await {
        Err(IntrospectError::Refused(problem)) => assert_eq!(problem.code, Code::InvalidClient),
        other => panic!("{other:?}"),
    }
}
