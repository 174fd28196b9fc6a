//! Many at once: real instances of real functions, one table.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::json;
use shared::{
    application::Application,
    session::Device,
    store::Written,
    world::{System, World},
};

use crate::support::{Answer, App, PASSWORD, Person, number_of};

/// Presents one token `copies` times at the same moment.
async fn at_once(person: &Person, copies: usize) -> Vec<Answer> {
    join_all((0..copies).map(|_| person.refresh_and_lose_the_answer())).await
}

#[tokio::test]
async fn parallel_refreshes_all_succeed_with_one_successor() {
    let app = App::start();
    for copies in [2, 10, 100] {
        let mut alice = app.signed_in(&app.service(), "alice").await;
        let answers = at_once(&alice, copies).await;
        let successors: BTreeSet<_> = answers.into_iter().map(|answer| answer.ok().text_of("refresh_token")).collect();

        assert_eq!(successors.len(), 1, "{copies} copies");
        assert_eq!(number_of(&alice.session().await, "generation"), 1);
        alice.refresh_token = successors.into_iter().next().expect("one");
        alice.refresh().await.ok();
    }
}

#[tokio::test]
async fn parallel_late_refreshes_displace_the_successor_once() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    alice.refresh_and_lose_the_answer().await.ok();
    alice.waits(60).await;

    let answers = at_once(&alice, 20).await;
    let successors: BTreeSet<_> = answers.into_iter().map(|answer| answer.ok().text_of("refresh_token")).collect();
    assert_eq!(successors.len(), 1);
    assert_eq!(number_of(&alice.session().await, "branch"), 1);
}

/// A handler may be slow between its look at the session and its write.
#[tokio::test]
async fn a_displacement_that_others_have_overtaken_is_refused() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let (store, now) = (app.database.store(), System.now());
    let keys = store.signing_keys.macs(now).await.expect("keys");
    let late = keys.open(&alice.refresh_token, now).expect("a genuine token");
    alice.refresh_and_lose_the_answer().await.ok();
    let seen = store.sessions.find(late.user_key, late.session_id, true).await.expect("the store answers");
    let seen = seen.expect("a session");
    for branch in 1..=2 {
        alice.waits(60).await;
        alice.refresh_and_lose_the_answer().await.ok();
        assert_eq!(number_of(&alice.session().await, "branch"), branch);
    }
    let policy = Application::new(seen.application_id, "any".to_owned(), now).refresh;
    let written = store.sessions.displace(&late, &seen, &policy, &Device::default(), now).await;
    assert!(matches!(written, Ok(Written::Refused(Some(_)))), "{written:?}");
    assert_eq!(number_of(&alice.session().await, "branch"), 2);
}

#[tokio::test]
async fn nothing_that_a_refresh_hands_out_outlives_a_logout_at_the_same_moment() {
    let app = App::start();
    for _ in 0..10 {
        let alice = app.signed_in(&app.service(), "alice").await;
        let (refreshed, left) = tokio::join!(alice.refresh_and_lose_the_answer(), alice.log_out());
        left.ok();

        let mut successor = alice.clone();
        if refreshed.status == 200 {
            successor.access_token = refreshed.text_of("access_token");
            successor.refresh_token = refreshed.text_of("refresh_token");
        } else {
            refreshed.problem(401, "invalid_grant");
        }
        successor.token_info().await.problem(401, "invalid_token");
        successor.refresh_and_lose_the_answer().await.problem(401, "invalid_grant");
    }
}

#[tokio::test]
async fn a_rotation_and_a_stolen_older_token_at_the_same_moment_end_in_one_of_two_ways() {
    let app = App::start();
    for _ in 0..10 {
        let mut alice = app.signed_in(&app.service(), "alice").await;
        let thief = alice.clone();
        alice.refresh().await.ok();
        alice.waits(60).await;
        let (rotated, stolen) = tokio::join!(alice.refresh_and_lose_the_answer(), thief.refresh_and_lose_the_answer());

        // Either the thief came first and displaced alice's token, or alice did and the thief's is two generations old.
        // In both, the second of them ends the family.
        let granted = [&rotated, &stolen].iter().filter(|answer| answer.status == 200).count();
        assert_eq!(granted, 1, "{} {}", rotated.text, stolen.text);
        assert!(alice.session().await.contains_key("revoked_at"));
    }
}

#[tokio::test]
async fn a_hundred_sign_ins_at_once_are_all_served() {
    let app = App::start();
    let alice = app.registered(&app.service(), "alice").await;
    // Five at once may try from one device.
    let mut devices = Vec::new();
    for _ in 0..20 {
        devices.push(alice.clone().sign_in().await.ok().body()["device_token"].clone());
    }
    let answers = join_all(devices.iter().flat_map(|device| {
        let body = json!({"user_id": alice.user_id, "user_secret": PASSWORD, "device_token": device});
        let (app, alice) = (&app, &alice);
        (0..5).map(move |_| {
            let body = body.clone();
            async move { app.post(&alice.application, "/authenticate", &body).await }
        })
    }))
    .await;
    for answer in answers {
        answer.ok();
    }
    assert!(app.database.count_sessions(&alice.user_key).await <= 120);
    let mut once_more = alice.clone();
    once_more.sign_in().await.ok();
    assert!(app.database.count_sessions(&alice.user_key).await <= 50, "the limit holds again");
}

#[tokio::test]
async fn logging_out_twice_at_once_is_as_good_as_once() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let answers = join_all((0..10).map(|_| alice.log_out())).await;
    for answer in answers {
        assert_eq!(answer.ok().body()["revoked"], true);
    }
}
