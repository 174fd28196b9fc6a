//! Guessing: how often anybody may try, and who is not kept out by that.

mod counters;
mod sources;

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::{
    store::{Admission, Throttles},
    throttle::{CEILING, FREE, Guesser, delay},
    world::{System, Timestamp, World},
};

pub use sources::too_many_registrations;

use crate::support::{Answer, App, Browser, PAGE, PASSWORD, Person};

/// Failures after which the wait is longer than a test.
const MINUTES: u32 = FREE + 7;

/// How many of `answers` judged a password; the others had to wait, and say for how long.
fn judged(answers: Vec<Answer>) -> usize {
    let (judged, told_to_wait): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 401);
    for answer in told_to_wait {
        let answer = answer.problem(429, "too_many_attempts");
        assert!(answer.header("retry-after").parse::<u64>().expect("seconds") > 0);
    }
    judged.len()
}

async fn guess(app: &App, name: &str) -> Answer {
    let body = json!({"user_id": name, "user_secret": "not the password"});
    app.post(&app.service(), "/authenticate", &body).await
}

async fn fail(throttles: &Throttles, guesser: Guesser, now: Timestamp) -> Admission {
    throttles.count_failure(guesser, now, &System).await.expect("the store answers")
}

/// Somebody new to the account `user_key`.
fn stranger_to(user_key: &str) -> Guesser {
    Guesser::Stranger(user_key.parse().expect("a key"))
}

/// As if `guesser` had just failed for the last of `failures` times.
async fn guessed_at(app: &App, guesser: Guesser, failures: u32) {
    let throttles = app.database.store().throttles;
    let waits: Duration = (0..failures).map(delay).sum();
    let mut then = System.now().minus(waits);
    for count in 0..failures {
        then = then.plus(delay(count));
        assert_eq!(fail(&throttles, guesser, then).await, Admission::Granted { count: count + 1 });
    }
}

/// As if the next failure were the last that an account allows, and it had waited for it.
pub async fn about_to_be_locked(app: &App, user_key: &str) {
    guessed_at(app, stranger_to(user_key), CEILING - 1).await;
    app.database.age_failures(user_key, delay(CEILING)).await;
}

#[tokio::test]
async fn known_and_unknown_users_are_guessed_at_alike_and_no_more_often_in_parallel() {
    let app = App::start();
    let ada = app.registered(&app.service(), "ada").await;
    let disabled = app.registered(&app.service(), "ada").await;
    app.database.set_user(&disabled.user_key, "status", "disabled").await;
    for name in [ada.user_id, disabled.user_id, app.fresh_name("nobody")] {
        // However it is spelled: each of these is the same name, normalised.
        let spellings = [name.to_uppercase(), name.replace('a', "ａ"), name.replace('d', "D"), name.clone()];
        let started = System.now();
        let answers = join_all((0..40).map(|at| guess(&app, &spellings[at % spellings.len()]))).await;
        // Whole seconds: a failure late in one and an attempt early in the next are a second apart.
        let elapsed = System.now().since(started).as_secs() + 1;
        let most = FREE as usize + (0..16).take_while(|n| (1 << (n + 1)) - 1 <= elapsed).count();
        let judged = judged(answers);
        assert!((FREE as usize..=most).contains(&judged), "{name}: {judged} of 40 in {elapsed} s, {most} at most");
    }
}

#[tokio::test]
async fn success_takes_the_failures_back() {
    let app = App::start();
    let mut ada = app.registered(&app.service(), "ada").await;
    for _ in 0..3 {
        for _ in 0..FREE - 1 {
            guess(&app, &ada.user_id).await.problem(401, "invalid_credentials");
        }
        ada.sign_in().await.ok();
    }
}

async fn sign_in_with(person: &Person, device_token: &Value) -> Answer {
    let body = json!({"user_id": person.user_id, "user_secret": PASSWORD, "device_token": device_token});
    person.app.post(&person.application, "/authenticate", &body).await
}

#[tokio::test]
async fn strangers_guesses_keep_nobody_out_of_a_session_or_a_known_device() {
    let app = App::start();
    let mut ada = app.registered(&app.service(), "ada").await;
    let device = ada.sign_in().await.ok().body()["device_token"].clone();
    guessed_at(&app, stranger_to(&ada.user_key), MINUTES).await;
    guess(&app, &ada.user_id).await.problem(429, "too_many_attempts");

    ada.sign_in().await.problem(429, "too_many_attempts");
    ada.refresh().await.ok();
    ada.token_info().await.ok();
    for _ in 0..3 {
        let answer = sign_in_with(&ada, &device).await.ok();
        assert!(answer.text_of("device_token").starts_with("gl_dt_"));
    }

    // A token of another account, a changed one and none at all make a stranger, who waits; and so does ending all sessions.
    let eve = app.registered(&app.service(), "eve").await;
    let hers = sign_in_with(&eve, &Value::Null).await.ok().body()["device_token"].clone();
    let changed = json!(device.as_str().expect("text").replacen("gl_dt_A", "gl_dt_B", 1));
    assert_ne!(changed, device);
    let refresh_token = json!(ada.refresh_token);
    for token in [hers, changed, refresh_token, json!(""), Value::Null] {
        sign_in_with(&ada, &token).await.problem(429, "too_many_attempts");
    }
    sign_in_with(&ada, &json!(7)).await.problem(422, "validation_failed");
    sign_in_with(&ada, &device).await.ok();
    ada.ask("DELETE", "/sessions").await.ok();
    sign_in_with(&ada, &device).await.problem(429, "too_many_attempts");
}

#[tokio::test]
async fn a_browser_is_known_by_its_cookie() {
    let app = App::start();
    let mut browser = Browser::signed_in(&app, &app.web(), "ada").await;
    let device = browser.sign_in().await.ok().cookie_value("device_token");
    guessed_at(&app, stranger_to(&browser.user_key), MINUTES).await;
    browser.sign_in().await.problem(429, "too_many_attempts");

    let body = json!({"user_id": browser.user_id, "user_secret": PASSWORD}).to_string();
    let with = |cookie: String| {
        let request = app.request("POST", "/authenticate").header("api-key", app.web().publishable_key);
        let request = request.header("origin", PAGE).header("content-type", "application/json");
        app.send(request.header("cookie", cookie).body(body.clone()))
    };
    with(format!("device_token={device}")).await.ok();
    // A neighbouring host can plant another beside it.
    with(format!("device_token=gl_dt_x; device_token={device}")).await.ok();
    with("device_token=gl_dt_x".to_owned()).await.problem(429, "too_many_attempts");
    let answer = app.send(browser.from(PAGE, "DELETE", "/logout")).await.ok();
    assert!(!answer.cookies().iter().any(|line| line.starts_with("device_token")), "signing out forgets no device");
}

#[tokio::test]
async fn a_known_device_has_no_more_guesses_than_a_stranger() {
    let app = App::start();
    let mut ada = app.registered(&app.service(), "ada").await;
    let device = ada.sign_in().await.ok().body()["device_token"].clone();
    let body = json!({"user_id": ada.user_id, "user_secret": "not the password", "device_token": device});
    let answers = join_all((0..40).map(|_| app.post(&ada.application, "/authenticate", &body))).await;
    assert!(judged(answers) < 20);

    let keys = app.database.store().signing_keys.macs(System.now()).await.expect("keys");
    let token = keys.open_device(device.as_str().expect("text")).expect("a token of ours");
    app.database.store().throttles.forgive(Guesser::Device(token.device_id)).await.expect("the store answers");
    guessed_at(&app, Guesser::Device(token.device_id), MINUTES).await;
    sign_in_with(&ada, &device).await.problem(429, "too_many_attempts");
    // It has not used up anybody else's.
    sign_in_with(&ada, &Value::Null).await.ok();

    // One that has used up all of its own is a stranger, and a new device once it is let in.
    app.database.store().throttles.forgive(Guesser::Device(token.device_id)).await.expect("the store answers");
    guessed_at(&app, Guesser::Device(token.device_id), CEILING).await;
    let renewed = sign_in_with(&ada, &device).await.ok().body()["device_token"].clone();
    guessed_at(&app, stranger_to(&ada.user_key), MINUTES).await;
    sign_in_with(&ada, &device).await.problem(429, "too_many_attempts");
    sign_in_with(&ada, &renewed).await.ok();
}

#[tokio::test]
async fn the_ceiling_locks_strangers_out_until_an_operator_unlocks() {
    let app = App::start();
    let mut ada = app.registered(&app.service(), "ada").await;
    let device = ada.sign_in().await.ok().body()["device_token"].clone();
    about_to_be_locked(&app, &ada.user_key).await;
    guess(&app, &ada.user_id).await.problem(401, "invalid_credentials");
    let locked = ada.sign_in().await.problem(429, "too_many_attempts");
    let day = 24 * 60 * 60;
    assert!(locked.header("retry-after").parse::<u64>().expect("seconds") > 364 * day);
    let told = |line: &str| line.contains(r#""event":"sign_in.locked""#) && line.contains(&ada.user_key);
    app.stack.log_with("that the account is locked", |log| log.lines().any(told)).await;

    sign_in_with(&ada, &device).await.ok();
    ada.sign_in().await.problem(429, "too_many_attempts");
    app.database.store().throttles.forgive(stranger_to(&ada.user_key)).await.expect("the store answers");
    ada.sign_in().await.ok();
}
