//! Signing in with a password.

use serde_json::{Value, json};
use shared::{
    ids::UserKey,
    password::{Hasher, Params, Password, Peppers},
    user::Status,
};

use crate::support::{Answer, App, Browser, PAGE, PASSWORD, Person};

async fn authenticate(app: &App, body: &Value) -> Answer {
    app.post(&app.service(), "/authenticate", body).await
}

/// What an operator does to an account.
async fn set_status(person: &Person, status: Status) {
    let users = person.app.database.store().users;
    let key: UserKey = person.user_key.parse().expect("a user key");
    let user = users.find(key).await.expect("the table answers").expect("the user is there");
    assert!(users.set_status(&user, status).await.expect("the table answers"));
}

#[tokio::test]
async fn a_user_is_named_by_key_or_by_name() {
    let app = App::start();
    let alice = app.registered(&app.service(), "alice").await;
    for body in [
        json!({"user_id": alice.user_id, "user_secret": PASSWORD}),
        json!({"user_key": alice.user_key, "user_secret": PASSWORD}),
        json!({"user_key": alice.user_key, "user_id": null, "user_secret": PASSWORD}),
        json!({"user_id": alice.user_id.to_uppercase(), "user_secret": PASSWORD}),
    ] {
        authenticate(&app, &body).await.ok();
    }
    let both = json!({"user_key": alice.user_key, "user_id": alice.user_id, "user_secret": PASSWORD});
    authenticate(&app, &both).await.problem(400, "invalid_request");
}

#[tokio::test]
async fn every_failure_is_answered_alike() {
    let app = App::start();
    let alice = app.registered(&app.service(), "alice").await;
    let eve = app.registered(&app.service(), "eve").await;
    set_status(&eve, Status::Disabled).await;
    let nobody = app.fresh_name("nobody");
    let mut answers = Vec::new();
    for body in [
        json!({"user_id": alice.user_id, "user_secret": "not the secret"}),
        json!({"user_key": alice.user_key, "user_secret": "not the secret"}),
        json!({"user_id": alice.user_id, "user_secret": ""}),
        json!({"user_id": alice.user_id, "user_secret": "x".repeat(50_000)}),
        json!({"user_id": nobody, "user_secret": PASSWORD}),
        json!({"user_id": "a name that nobody can have", "user_secret": PASSWORD}),
        json!({"user_key": "00000000-0000-4000-8000-000000000000", "user_secret": PASSWORD}),
        json!({"user_key": "no key", "user_secret": PASSWORD}),
        json!({"user_id": eve.user_id, "user_secret": PASSWORD}),
        json!({"user_key": eve.user_key, "user_secret": PASSWORD}),
        json!({"user_id": eve.user_id, "user_secret": "not the secret"}),
    ] {
        let answer = authenticate(&app, &body).await.problem(401, "invalid_credentials");
        let mut headers = answer.headers.clone();
        for changing in ["date", "apigw-requestid"] {
            headers.remove(changing);
        }
        answers.push((answer.text, headers));
    }
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
}

#[tokio::test]
async fn a_sign_in_gives_what_it_says() {
    let app = App::start();
    let mut alice = app.registered(&app.service(), "alice").await;
    let answer = alice.sign_in().await.ok();
    let body = answer.body();
    let members: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        ["access_token", "device_token", "expires_in", "refresh_expires_in", "refresh_token", "token_type"]
    );
    assert!(answer.cookies().is_empty(), "tokens come one way only");

    let claims = alice.claims();
    let mut names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let expected = ["amr", "aud", "auth_time", "client_id", "ep", "exp", "iat", "iss", "jti", "nbf", "sid", "sub"];
    assert_eq!(names, expected, "and no scope without permissions");
    let number = |value: &Value| value.as_u64().expect("a number");
    assert_eq!(number(&body["expires_in"]), number(&claims["exp"]) - number(&claims["iat"]));
    assert_eq!(number(&body["expires_in"]), 1200);
    assert_eq!(number(&body["refresh_expires_in"]), 72 * 3600);
    let issuer = app.url("/api/v1/auth");
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(issuer), &json!(issuer)));
    assert_eq!((&claims["sub"], &claims["client_id"]), (&json!(alice.user_key), &json!(alice.application.id)));
    assert_eq!((&claims["amr"], &claims["ep"]), (&json!(["pwd"]), &json!(0)));
    assert_eq!((&claims["nbf"], &claims["auth_time"]), (&claims["iat"], &claims["iat"]));
    assert!(!claims.to_string().contains(&alice.user_id), "no name, no address");
    assert!(alice.refresh_token.starts_with("gl_rt_"));
}

#[tokio::test]
async fn every_sign_in_is_a_session_of_its_own() {
    let app = App::start();
    let mut alice = app.signed_in(&app.service(), "alice").await;
    let first = alice.clone();
    alice.sign_in().await.ok();
    for claim in ["sid", "jti"] {
        assert_ne!(alice.claims()[claim], first.claims()[claim], "{claim}");
    }
    assert_ne!(alice.refresh_token, first.refresh_token);
    first.token_info().await.ok();
    alice.token_info().await.ok();
}

#[tokio::test]
async fn a_weaker_hash_is_replaced_when_its_owner_signs_in() {
    let app = App::start();
    let mut alice = app.registered(&app.service(), "alice").await;
    let weaker = Hasher::new(Params::new(7_168, 5, 1).unwrap(), Peppers::default());
    let weaker = weaker.hash(&Password::new(PASSWORD.to_owned()), *b"sixteen of salt!").unwrap();
    app.database.set_user(&alice.user_key, "password_hash", weaker.expose()).await;

    let wrong = json!({"user_id": alice.user_id, "user_secret": "not the secret"});
    authenticate(&app, &wrong).await.problem(401, "invalid_credentials");
    assert_eq!(app.database.password_hash(&alice.user_key).await, weaker.expose());

    alice.sign_in().await.ok();
    let replaced = app.database.password_hash(&alice.user_key).await;
    assert!(replaced.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{replaced}");
    alice.sign_in().await.ok();
    assert_eq!(app.database.password_hash(&alice.user_key).await, replaced, "once is enough");
    authenticate(&app, &wrong).await.problem(401, "invalid_credentials");
}

#[tokio::test]
async fn beyond_the_limit_the_oldest_session_goes() {
    let app = App::deployed();
    let mut alice = app.registered(&app.service(), "alice").await;
    let mut devices = Vec::new();
    for age in [300, 200, 100, 0] {
        alice.sign_in().await.ok();
        if age > 0 {
            alice.waits(age).await;
        }
        devices.push(alice.clone());
    }
    assert_eq!(app.database.count_sessions(&alice.user_key).await, 3);
    devices[0].token_info().await.problem(401, "invalid_token");
    devices[0].refresh().await.problem(401, "invalid_grant");
    for device in &mut devices[1..] {
        device.token_info().await.ok();
        device.refresh().await.ok();
    }
}

#[tokio::test]
async fn by_default_the_limit_is_fifty() {
    let app = App::start();
    let mut alice = app.registered(&app.service(), "alice").await;
    for _ in 0..51 {
        alice.sign_in().await.ok();
    }
    assert_eq!(app.database.count_sessions(&alice.user_key).await, 50);
    alice.token_info().await.ok();
}

#[tokio::test]
async fn dead_sessions_make_room_before_living_ones() {
    let app = App::deployed();
    let mut alice = app.registered(&app.service(), "alice").await;
    let mut devices = Vec::new();
    for age in [300, 200, 100] {
        alice.sign_in().await.ok();
        alice.waits(age).await;
        devices.push(alice.clone());
    }
    devices[2].log_out().await.ok();
    alice.sign_in().await.ok();
    assert_eq!(app.database.count_sessions(&alice.user_key).await, 3);
    for device in [&devices[0], &devices[1], &alice] {
        device.token_info().await.ok();
    }
    devices[2].token_info().await.problem(401, "invalid_token");
}

#[tokio::test]
async fn signing_in_again_in_one_browser_ends_the_session_before() {
    let app = App::start();
    let mut browser = Browser::signed_in(&app, &app.web(), "alice").await;
    let (before, session) = (browser.access_cookie.clone(), browser.session_id());
    browser.sign_in().await.ok();
    assert_ne!(browser.session_id(), session);
    browser.whoami().await.ok();
    let old = app.request("GET", "/whoami").header("api-key", app.web().publishable_key).bearer_auth(before);
    app.send(old).await.problem(401, "invalid_token");
    let item = app.database.session(&browser.user_key, &session).await;
    assert_eq!(item["revoked_reason"].as_s().unwrap(), "replaced");
}

#[tokio::test]
async fn a_cookie_that_a_neighbour_planted_keeps_nobody_from_signing_in() {
    let app = App::start();
    let alice = app.registered(&app.web(), "alice").await;
    let body = json!({"user_id": alice.user_id, "user_secret": PASSWORD}).to_string();
    let request = app.request("POST", "/authenticate").header("api-key", app.web().publishable_key);
    let request = request.header("origin", PAGE).header("content-type", "application/json");
    let request = request.header("cookie", "refresh_token=a; refresh_token=b").body(body);
    assert_eq!(app.send(request).await.ok().cookies().len(), 3);
}

#[tokio::test]
async fn an_old_answer_does_not_take_the_cookies_of_a_new_sign_in() {
    let app = App::start();
    let mut browser = Browser::signed_in(&app, &app.web(), "alice").await;
    let under_way = browser.from(PAGE, "POST", "/refresh");
    browser.sign_in().await.ok();
    let late = app.send(under_way).await.problem(401, "invalid_grant");
    assert!(late.cookies().is_empty(), "{:?}", late.cookies());
    browser.refresh().await.ok();
}

#[tokio::test]
async fn a_session_that_cannot_be_read_keeps_nobody_from_signing_in_or_out() {
    let app = App::start();
    let mut alice = app.signed_in(&app.service(), "alice").await;
    app.database.set_session(&alice.user_key, &alice.session_id(), "schema", 9).await;
    alice.log_out().await.ok();
    alice.sign_in().await.ok();
    alice.refresh().await.ok();
}

#[tokio::test]
async fn disabling_ends_everything_and_enabling_revives_nothing() {
    let app = App::start();
    let mut alice = app.signed_in(&app.service(), "alice").await;
    let mut late = alice.clone();
    set_status(&alice, Status::Disabled).await;
    alice.token_info().await.problem(401, "invalid_token");
    alice.whoami().await.problem(401, "invalid_token");
    alice.refresh().await.problem(401, "invalid_grant");
    alice.sign_in().await.problem(401, "invalid_credentials");

    set_status(&alice, Status::Active).await;
    late.token_info().await.problem(401, "invalid_token");
    late.refresh().await.problem(401, "invalid_grant");
    alice.sign_in().await.ok();
    alice.token_info().await.ok();
    late.refresh().await.problem(401, "invalid_grant");
}
