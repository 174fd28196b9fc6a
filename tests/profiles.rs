//! The protocol for applications that are not as usual: strict, without rotation, short-lived.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::json;
use shared::protocol::RefreshPolicy;

use crate::support::{Answer, App, Options, Person, SessionItem, Stack, number_of};

/// The session is over for whoever holds its tokens.
async fn assert_over(person: &Person) {
    person.refresh_and_lose_the_answer().await.problem(401, "invalid_grant");
    person.token_info().await.problem(401, "invalid_token");
}

#[tokio::test]
async fn strict_a_predecessor_is_reuse_at_once() {
    let app = App::start();
    let strict = |policy: &mut RefreshPolicy| {
        policy.grace = Duration::ZERO;
        policy.recovery = false;
    };
    let application = app.application(|settings| strict(&mut settings.refresh)).await;
    let mut alice = app.signed_in(&application, "alice").await;
    let second_tab = alice.clone();
    alice.refresh().await.ok();
    alice.refresh().await.ok();
    alice.token_info().await.ok();

    let mut bob = app.signed_in(&application, "bob").await;
    let thief = bob.clone();
    bob.refresh().await.ok();
    thief.refresh_and_lose_the_answer().await.problem(401, "invalid_grant");
    assert_over(&bob).await;
    assert_over(&second_tab).await;
}

#[tokio::test]
async fn without_rotation_one_token_serves_any_number_of_times() {
    let app = App::start();
    let mut alice = app.signed_in(&app.legacy(), "alice").await;
    let before = alice.session().await;
    let token = alice.refresh_token.clone();
    let mut seen = vec![alice.access_token.clone()];
    for _ in 0..5 {
        let answer: Answer = alice.refresh().await.ok();
        assert_eq!(answer.body()["refresh_token"], json!(null), "there is no other one");
        assert!(!seen.contains(&alice.access_token));
        seen.push(alice.access_token.clone());
        alice.token_info().await.ok();
    }
    assert_eq!(alice.refresh_token, token);
    assert_eq!(alice.session().await, before, "using it writes nothing");
    alice.log_out().await.ok();
    assert_over(&alice).await;
}

#[tokio::test]
async fn the_absolute_end_comes_however_often_it_is_refreshed() {
    let app = App::start();
    let application = app
        .application(|settings| {
            settings.refresh.idle = Duration::from_mins(10);
            settings.refresh.absolute = Duration::from_mins(10);
        })
        .await;
    let mut alice = app.signed_in(&application, "alice").await;
    let answer = alice.refresh().await.ok().body();
    assert!(answer["refresh_expires_in"].as_u64() <= Some(600));
    assert!(answer["expires_in"].as_u64() <= Some(600), "no access token outlives its session");

    alice.app.database.set_session(&alice.user_key, &alice.session_id(), "absolute_expires_at", 1_700_000_000).await;
    assert_over(&alice).await;
}

#[tokio::test]
async fn an_item_is_of_one_size_however_often_it_is_rotated() {
    let app = App::start();
    let mut alice = app.signed_in(&app.service(), "alice").await;
    alice.refresh().await.ok();
    let shape = |item: &SessionItem| item.keys().cloned().collect::<BTreeSet<_>>();
    let before = shape(&alice.session().await);
    for _ in 0..20 {
        alice.refresh().await.ok();
    }
    let after = alice.session().await;
    assert_eq!(shape(&after), before);
    assert_eq!(number_of(&after, "generation"), 21);
}

#[tokio::test]
async fn the_window_closes_by_itself_after_the_grace_that_was_chosen() {
    let options = Options { arguments: &["--grace", "1"], ..Options::default() };
    let app = App::on(Stack::private(&options));
    let mut alice = app.signed_in(&app.service(), "alice").await;
    let second_tab = alice.clone();
    let successor = alice.refresh().await.ok().text_of("refresh_token");

    // As long as the window is open, the answer is the successor; afterwards what replaces it.
    let deadline = Instant::now() + Duration::from_secs(20);
    while second_tab.refresh_and_lose_the_answer().await.ok().text_of("refresh_token") == successor {
        assert!(Instant::now() < deadline, "the window is still open");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(number_of(&alice.session().await, "branch"), 1, "case C of the protocol");
}
