//! The cookies: what they look like, and when they go.

use serde_json::json;

use crate::support::{Answer, App, Browser, DEPLOYED_ISSUER, Known, PAGE, PASSWORD};

/// What a `Set-Cookie` line says beside the name and the value.
fn attributes<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.cookie(name).split_once("; ").expect("attributes").1
}

#[tokio::test]
async fn signing_in_and_refreshing_set_both_cookies_with_exactly_these_attributes() {
    let app = App::start();
    let mut browser = Browser::signed_in(&app, &app.web(), "alice").await;
    for (answer, count) in [(browser.sign_in().await.ok(), 3), (browser.refresh().await.ok(), 2)] {
        assert_eq!(answer.cookies().len(), count);
        assert_eq!(attributes(&answer, "access_token"), "Path=/; Max-Age=1200; HttpOnly; SameSite=Lax");
        assert_eq!(
            attributes(&answer, "refresh_token"),
            "Path=/api/v1/auth; Max-Age=259200; HttpOnly; SameSite=Strict"
        );
        assert_eq!(answer.body(), json!({"token_type": "Bearer", "expires_in": 1200, "refresh_expires_in": 259_200}));
        assert!(answer.cookies().iter().all(|line| line.len() <= 4096));
    }
}

/// A browser on a deployment that is reached over HTTPS.
async fn over_https() -> (App, Known, Answer) {
    let app = App::deployed();
    let web = app.web();
    let alice = app.registered(&web, "alice").await;
    let body = json!({"user_id": alice.user_id, "user_secret": PASSWORD}).to_string();
    let request = app.request("POST", "/authenticate").header("api-key", &web.publishable_key).header("origin", PAGE);
    let answer = app.send(request.header("content-type", "application/json").body(body)).await.ok();
    (app, web, answer)
}

#[tokio::test]
async fn over_https_the_cookies_are_secure_and_say_so_in_their_names() {
    let (app, web, answer) = over_https().await;
    assert_eq!(attributes(&answer, "__Host-access_token"), "Path=/; Max-Age=1200; HttpOnly; Secure; SameSite=Lax");
    let expected = "Path=/api/v1/auth; Max-Age=259200; HttpOnly; Secure; SameSite=Strict";
    assert_eq!(attributes(&answer, "__Secure-refresh_token"), expected);
    let expected = "Path=/api/v1/auth/authenticate; Max-Age=31536000; HttpOnly; Secure; SameSite=Strict";
    assert_eq!(attributes(&answer, "__Secure-device_token"), expected);
    assert_eq!(answer.cookies().len(), 3);

    let token = answer.cookie_value("__Host-access_token");
    assert_eq!(crate::support::claims(&token)["iss"], DEPLOYED_ISSUER);
    let whoami =
        |cookie: String| app.request("GET", "/whoami").header("api-key", &web.publishable_key).header("cookie", cookie);
    let named = app.send(whoami(format!("__Host-access_token={token}"))).await.ok();
    assert_eq!(named.body()["authenticated"], true);
    // Any subdomain can set a cookie without the prefix.
    let planted = app.send(whoami(format!("access_token={token}"))).await.ok();
    assert_eq!(planted.body()["authenticated"], false);
}

#[tokio::test]
async fn signing_out_clears_the_cookies_as_they_were_set() {
    let app = App::start();
    for method in ["DELETE", "POST"] {
        let browser = Browser::signed_in(&app, &app.web(), "alice").await;
        let answer = app.send(browser.from(PAGE, method, "/logout")).await.ok();
        assert_cleared(&answer);
        let again = app.send(browser.from(PAGE, method, "/logout")).await.ok();
        assert_cleared(&again);
    }
}

#[track_caller]
fn assert_cleared(answer: &Answer) {
    assert_eq!(answer.cookies().len(), 2);
    assert_eq!(answer.cookie("access_token"), "access_token=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    assert_eq!(
        answer.cookie("refresh_token"),
        "refresh_token=; Path=/api/v1/auth; Max-Age=0; HttpOnly; SameSite=Strict"
    );
}

#[tokio::test]
async fn ending_ones_own_session_clears_the_cookies_and_ending_another_does_not() {
    let app = App::start();
    for (path, clears) in
        [("/sessions", true), ("/sessions?keep_current=true", false), ("/sessions/{session_id}", true)]
    {
        let browser = Browser::signed_in(&app, &app.web(), "alice").await;
        let path = path.replace("{session_id}", &browser.session_id());
        let answer = app.send(browser.from(PAGE, "DELETE", &path)).await.ok();
        if clears { assert_cleared(&answer) } else { assert!(answer.cookies().is_empty(), "{path}") }
    }
}

#[tokio::test]
async fn a_session_that_is_over_takes_its_cookies_along() {
    let app = App::start();
    let mut browser = Browser::signed_in(&app, &app.web(), "alice").await;
    app.database.set_session(&browser.user_key, &browser.session_id(), "revoked_at", 1).await;
    assert_cleared(&browser.refresh().await.problem(401, "invalid_grant"));
}

#[tokio::test]
async fn an_error_that_is_no_definite_end_clears_no_cookie() {
    let app = App::start();
    let mut browser = Browser::signed_in(&app, &app.web(), "alice").await;
    let json = |path: &str, body: &str| {
        browser.from(PAGE, "POST", path).header("content-type", "application/json").body(body.to_owned())
    };
    let cookies = |key: &str| {
        let cookie = format!("refresh_token={}", browser.refresh_cookie);
        app.request("POST", "/refresh").header("api-key", key).header("origin", PAGE).header("cookie", cookie)
    };
    let other = app
        .application(|application| {
            application.delivery = shared::application::TokenDelivery::Cookie;
            application.allowed_origins = vec![PAGE.to_owned()];
        })
        .await;
    for (request, status) in [
        (json("/refresh", "{"), 400),
        (json("/refresh", r#"{"refresh_token": "other"}"#), 400),
        (json("/refresh", r#"{"refresh_token": 7}"#), 422),
        (json("/refresh", &"x".repeat(70_000)), 413),
        (json("/logout", "{"), 400),
        (json("/authenticate", r#"{"user_id": "x", "user_secret": "x"}"#), 401),
        (json("/authenticate", "{}"), 422),
        (browser.from(PAGE, "POST", "/refresh?refresh_token=x"), 400),
        (browser.from("https://evil.example", "POST", "/refresh"), 403),
        (browser.from("https://evil.example", "DELETE", "/logout"), 403),
        (browser.from(PAGE, "DELETE", "/sessions/x"), 404),
        (browser.from(PAGE, "PUT", "/refresh"), 404),
        (cookies("pk_wrong"), 401),
        (cookies(&other.publishable_key), 401),
    ] {
        let answer = app.send(request).await.status(status);
        assert!(answer.cookies().is_empty(), "{status} {}: {:?}", answer.text, answer.cookies());
    }
    browser.refresh().await.ok();
}
