//! The refresh protocol, case by case, as `docs/security.md` tells it.

use std::time::Duration;

use shared::{
    protocol::Position,
    refresh_token::RefreshToken,
    user::Status,
    world::{System, World},
};

use crate::support::{App, Person, number_of};

/// Longer than the default window.
const LATE: u64 = 31;

async fn alice() -> Person {
    let app = App::start();
    app.signed_in(&app.service(), "alice").await
}

/// The session is over for whoever holds its tokens.
async fn assert_over(person: &Person) {
    person.refresh_and_lose_the_answer().await.problem(401, "invalid_grant");
    person.token_info().await.problem(401, "invalid_token");
}

#[tokio::test]
async fn case_a_the_newest_token_is_replaced_and_the_session_slides() {
    let mut alice = alice().await;
    let first = alice.refresh_token.clone();
    let before = alice.session().await;
    alice
        .app
        .database
        .set_session(&alice.user_key, &alice.session_id(), "expires_at", number_of(&before, "expires_at") - 999)
        .await;

    let answer = alice.refresh().await.ok().body();
    assert_ne!(alice.refresh_token, first);
    assert_eq!(answer["expires_in"], 1200);
    assert_eq!(answer["refresh_expires_in"], 72 * 3600);
    alice.token_info().await.ok();

    let after = alice.session().await;
    assert_eq!(number_of(&after, "generation"), 1);
    assert!(number_of(&after, "expires_at") >= number_of(&before, "expires_at"));
    assert_eq!(number_of(&after, "absolute_expires_at"), number_of(&before, "absolute_expires_at"));
}

#[tokio::test]
async fn case_b_a_predecessor_in_the_window_gets_the_identical_successor() {
    let mut alice = alice().await;
    let second_tab = alice.clone();
    let successor = alice.refresh().await.ok().text_of("refresh_token");
    alice.waits(LATE - 6).await;

    for _ in 0..3 {
        let again = second_tab.refresh_and_lose_the_answer().await.ok();
        assert_eq!(again.text_of("refresh_token"), successor);
    }
    assert_eq!(number_of(&alice.session().await, "generation"), 1, "answering again writes nothing");
    alice.refresh().await.ok();
}

#[tokio::test]
async fn case_c_a_late_predecessor_displaces_the_successor_that_nobody_received() {
    let mut alice = alice().await;
    let lost = alice.refresh_and_lose_the_answer().await.ok().text_of("refresh_token");
    alice.waits(LATE).await;

    let recovered = alice.refresh().await.ok().text_of("refresh_token");
    assert_ne!(recovered, lost);
    let item = alice.session().await;
    assert_eq!((number_of(&item, "generation"), number_of(&item, "branch")), (1, 1));
    alice.refresh().await.ok();
    assert_eq!(number_of(&alice.session().await, "branch"), 0, "the next generation begins anew");
}

#[tokio::test]
async fn case_c_works_a_minute_a_day_and_almost_three_days_later() {
    for seconds in [60, 86_400, 71 * 3600] {
        let mut alice = alice().await;
        alice.refresh_and_lose_the_answer().await.ok();
        alice.waits(seconds).await;
        alice.refresh().await.ok();
        alice.refresh().await.ok();
    }
}

#[tokio::test]
async fn case_c_the_displaced_successor_is_reuse_when_it_turns_up_after_all() {
    let mut alice = alice().await;
    let displaced = alice.refresh_and_lose_the_answer().await.ok().text_of("refresh_token");
    alice.waits(LATE).await;
    alice.refresh().await.ok();

    alice.refresh_with(&displaced).await.problem(401, "invalid_grant");
    assert_over(&alice).await;
}

#[tokio::test]
async fn case_d_the_fourth_lost_successor_ends_the_session() {
    let alice = alice().await;
    alice.refresh_and_lose_the_answer().await.ok();
    for _ in 0..3 {
        alice.waits(LATE).await;
        alice.refresh_and_lose_the_answer().await.ok();
    }
    alice.waits(LATE).await;
    assert_over(&alice).await;
    assert!(alice.session().await.contains_key("revoked_at"));
}

#[tokio::test]
async fn case_d_without_recovery_a_late_predecessor_ends_the_session() {
    let app = App::start();
    let application = app.application(|settings| settings.refresh.recovery = false).await;
    let mut alice = app.signed_in(&application, "alice").await;
    let thief = alice.clone();
    alice.refresh().await.ok();
    thief.refresh_and_lose_the_answer().await.ok();
    alice.waits(LATE).await;
    assert_over(&thief).await;
    assert_over(&alice).await;
}

#[tokio::test]
async fn case_e_a_stolen_token_ends_the_session_for_both_holders() {
    let mut alice = alice().await;
    let thief = alice.clone();
    alice.refresh().await.ok();
    alice.refresh().await.ok();

    thief.refresh_and_lose_the_answer().await.problem(401, "invalid_grant");
    assert_over(&alice).await;
    assert_over(&thief).await;
}

#[tokio::test]
async fn case_e_ends_that_session_and_no_other() {
    let app = App::start();
    let mut phone = app.signed_in(&app.service(), "alice").await;
    let mut laptop = phone.clone();
    laptop.sign_in().await.ok();
    let stolen = phone.clone();
    phone.refresh().await.ok();
    phone.refresh().await.ok();

    stolen.refresh_and_lose_the_answer().await.problem(401, "invalid_grant");
    laptop.refresh().await.ok();
    laptop.token_info().await.ok();
}

#[tokio::test]
async fn case_f_a_token_ahead_of_a_restored_table_revokes_nothing() {
    let mut alice = alice().await;
    let older = alice.refresh_token.clone();
    alice.refresh().await.ok();
    // A backup from before the refresh is restored.
    alice.app.database.set_session(&alice.user_key, &alice.session_id(), "generation", 0).await;

    alice.refresh_and_lose_the_answer().await.problem(401, "invalid_grant");
    assert!(!alice.session().await.contains_key("revoked_at"));
    alice.refresh_with(&older).await.ok();
}

#[tokio::test]
async fn case_g_what_is_over_is_refused_and_stays_as_it_is() {
    let mut revoked = alice().await;
    revoked.log_out().await.ok();
    refused_without_a_change(&mut revoked).await;

    let mut idle = alice().await;
    idle.app.database.set_session(&idle.user_key, &idle.session_id(), "expires_at", 1_700_000_000).await;
    refused_without_a_change(&mut idle).await;

    let mut aged = alice().await;
    aged.app.database.set_session(&aged.user_key, &aged.session_id(), "absolute_expires_at", 1_700_000_000).await;
    refused_without_a_change(&mut aged).await;

    let mut elsewhere = alice().await;
    let home = std::mem::replace(&mut elsewhere.application, elsewhere.app.legacy());
    refused_without_a_change(&mut elsewhere).await;
    elsewhere.application = home;
    elsewhere.refresh().await.ok();
}

async fn refused_without_a_change(person: &mut Person) {
    let before = person.session().await;
    person.refresh().await.problem(401, "invalid_grant");
    assert_eq!(person.session().await, before);
}

#[tokio::test]
async fn case_g_a_disabled_user_is_refused_and_enabling_revives_nothing() {
    let alice = alice().await;
    let users = alice.app.database.store().users;
    let key = alice.user_key.parse().expect("a user key");
    let user = users.find(key).await.expect("the store answers").expect("alice");
    assert!(users.set_status(&user, Status::Disabled).await.expect("the store answers"));
    assert_over(&alice).await;

    let user = users.find(key).await.expect("the store answers").expect("alice");
    assert!(users.set_status(&user, Status::Active).await.expect("the store answers"));
    assert_over(&alice).await;
    alice.clone().sign_in().await.ok();
}

#[tokio::test]
async fn case_g_after_the_last_generation_there_is_none() {
    let alice = alice().await;
    alice.app.database.set_session(&alice.user_key, &alice.session_id(), "generation", u64::from(u32::MAX)).await;
    let keys = alice.app.database.store().signing_keys;
    let last = RefreshToken {
        user_key: alice.user_key.parse().expect("a user key"),
        session_id: alice.session_id().parse().expect("a session id"),
        position: Position { generation: u32::MAX, branch: 0 },
        absolute_expires_at: System.now().plus(Duration::from_hours(1)),
    };
    let token = keys.macs(System.now()).await.expect("a key").seal(&last);
    alice.refresh_with(token.expose()).await.problem(401, "invalid_grant");
    alice.token_info().await.ok();
}

#[tokio::test]
async fn case_i_a_tampered_token_ends_nothing() {
    let mut alice = alice().await;
    let good = alice.refresh_token.clone();
    for at in [0, 6, 7, 20, 40, 60, 80, 93] {
        let other = if &good[at..=at] == "A" { "B" } else { "A" };
        let tampered = format!("{}{other}{}", &good[..at], &good[at + 1..]);
        alice.refresh_with(&tampered).await.problem(401, "invalid_grant");
    }
    for junk in ["", "gl_rt_", "x", &alice.access_token, &"A".repeat(5000)] {
        alice.refresh_with(junk).await.problem(401, "invalid_grant");
    }
    alice.refresh().await.ok();
}
