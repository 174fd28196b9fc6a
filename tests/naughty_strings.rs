//! The Big List of Naughty Strings (crate `naughty-strings`), and strings that would forge a line of a log, in every text
//! that a request can hold: each answer is the one that any other wrong text gets, and no line of the log is theirs.
//!
//! What costs a password hash is done with every fourth string, and headers are tried with every second; with each, as in CI, if
//! `GATELET_ALL_STRINGS` is set.

use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::{StreamExt, stream};
use naughty_strings::BLNS;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{RequestBuilder, header::HeaderValue};
use serde_json::{Value, json};

use crate::support::{Answer, App, PASSWORD, Person, lines_of};

/// How many strings are under way at a time.
const AT_ONCE: usize = 4;

/// An event that no function records.
const FORGED: &str = "sign_in.forged";

/// The list, and line ends of all kinds with a line behind them.
fn strings() -> Vec<String> {
    let line = format!(r#"{{"type":"audit","event":"{FORGED}"}}"#);
    let ends = [
        "\n",
        "\r",
        "\r\n",
        "\n\r\n",
        "\u{b}",
        "\u{c}",
        "\u{85}",
        "\u{2028}",
        "\u{2029}",
        "\u{1b}[2K\r",
        "\u{8}",
        "%0a",
        "\\n",
        "\"}\n",
    ];
    let forging = ends.map(|end| format!("x{end}{line}{end}"));
    let others = ["user#x", "id#x", "\t\r\n", "\u{7f}\u{80}", "\u{10ffff}", "\u{e000}", "\u{feff}bom", "aא", "ǅ"]
        .map(str::to_owned);
    let long = "ﷺ".repeat(1_000);
    BLNS.iter().map(|text| (*text).to_owned()).chain(forging).chain(others).chain([long]).collect()
}

/// With which of the strings something is done that takes long.
fn every(usual: usize) -> usize {
    if std::env::var_os("GATELET_ALL_STRINGS").is_some() { 1 } else { usual }
}

/// A request of the `service` application that proves itself, so that no limit for strangers is used up.
fn request(app: &App, method: &str, path: &str) -> RequestBuilder {
    app.request(method, path).header("api-key", app.service().secret_key)
}

async fn post(app: &App, path: &str, body: &Value) -> Answer {
    let request = request(app, "POST", path).header("content-type", "application/json");
    app.send(request.body(body.to_string())).await
}

/// With a header, if it can have this value.
fn with(request: RequestBuilder, name: &str, value: &str) -> Option<RequestBuilder> {
    Some(request.header(name, HeaderValue::from_str(value).ok()?))
}

#[tokio::test]
async fn a_naughty_string_is_answered_like_any_other_wrong_one() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let every = every(2);
    let each = stream::iter(strings().into_iter().enumerate()).for_each_concurrent(AT_ONCE, |(number, text)| {
        let (app, alice) = (&app, &alice);
        async move {
            bodies(app, &text).await;
            // Longer than a head may be, where it stands in several headers.
            if text.len() < 1_000 {
                addresses(alice, &text).await;
                if number % every == 0 {
                    headers(alice, &text).await;
                }
            }
        }
    });
    each.await;
    alice.token_info().await.ok();
    nothing_is_forged(&app).await;
}

#[tokio::test]
async fn a_naughty_string_is_a_name_or_a_password_or_there_is_a_reason() {
    let app = App::start();
    let every = every(4);
    let each = stream::iter(strings().into_iter().enumerate()).for_each_concurrent(AT_ONCE, |(number, text)| {
        let app = &app;
        async move {
            if let Err(reason) = shared::user_id::UserId::parse(&text) {
                let body = json!({"user_id": text, "user_secret": PASSWORD});
                let answer = post(app, "/register", &body).await.problem(422, "validation_failed");
                assert_eq!(answer.body()["errors"][0]["field"], "user_id", "{text:?}: {reason}");
            } else if number % every == 0 {
                names(app, &text).await;
            }
            if number % every == 1 % every {
                passwords(app, &text).await;
            }
            if number % every == 2 % every {
                strangers(app, &text).await;
            }
        }
    });
    each.await;
    nothing_is_forged(&app).await;
}

/// Members of bodies, and parameters of forms.
async fn bodies(app: &App, text: &str) {
    let token = json!({"refresh_token": text});
    post(app, "/refresh", &token).await.problem(401, "invalid_grant");
    post(app, "/logout", &token).await.problem(401, "invalid_token");

    let form = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("token", text), ("token_type_hint", text), (text, text)].iter().take(if text == "token" {
            2
        } else {
            3
        }))
        .finish();
    let send = |path: &'static str| {
        let request = request(app, "POST", path).header("content-type", "application/x-www-form-urlencoded");
        app.send(request.body(form.clone()))
    };
    assert_eq!(send("/introspect").await.ok().body(), json!({"active": false}), "{text:?}");
    assert_eq!(send("/revoke").await.ok().text, "", "{text:?}");
}

/// Paths and queries.
async fn addresses(alice: &Person, text: &str) {
    let app = &alice.app;
    let encoded = utf8_percent_encode(text, NON_ALPHANUMERIC);
    let request = |method: &str, path: &str| request(app, method, path).bearer_auth(&alice.access_token);
    app.send(request("DELETE", &format!("/sessions/{encoded}"))).await.status(404);
    if !["true", "false"].contains(&text) {
        let answer =
            app.send(request("DELETE", &format!("/sessions?{encoded}={encoded}&keep_current={encoded}"))).await;
        answer.problem(400, "invalid_request");
    }
}

/// Headers, each as far as it can hold the string.
async fn headers(alice: &Person, text: &str) {
    let app = &alice.app;
    let whoami = || app.request("GET", "/whoami");
    let known = || whoami().header("api-key", &alice.application.publishable_key);
    if let Some(request) = with(whoami(), "api-key", text) {
        let answer = app.send(request).await;
        // An empty header is none to some and a wrong key to others.
        assert!(text.is_empty() || answer.status == 401, "{text:?}: {}", answer.text);
    }
    for (name, value) in [
        ("authorization", text.to_owned()),
        ("authorization", format!("Bearer {text}")),
        ("cookie", format!("{text}; access_token={text}; theme={text}")),
    ] {
        let Some(request) = with(known(), name, &value) else { continue };
        let answer = app.send(request).await;
        let is_none = name == "cookie" && answer.body() == json!({"authenticated": false});
        assert!(is_none || [400, 401].contains(&answer.status), "{name} {value:?}: {} {}", answer.status, answer.text);
        assert!(is_none || answer.header("content-type") == "application/problem+json", "{name} {value:?}");
    }
    let basic = STANDARD.encode(format!("{text}:{text}"));
    let request = app.request("POST", "/introspect").header("authorization", format!("Basic {basic}"));
    let answer = app.send(request.header("content-type", "application/x-www-form-urlencoded").body("token=x")).await;
    assert_eq!(answer.status(401).body()["error"], "invalid_client", "{text:?}");

    let others = ["user-agent", "origin", "referer", "x-forwarded-for", "x-amzn-trace-id", "content-type"];
    if let Some(request) =
        others.into_iter().try_fold(known().bearer_auth(&alice.access_token), |request, name| with(request, name, text))
    {
        assert_eq!(app.send(request).await.ok().body()["authenticated"], true, "{text:?}");
    }
}

/// A name that can be registered is there once, signs in as it was typed, and is told as it was stored.
async fn names(app: &App, text: &str) {
    let body = json!({"user_id": text, "user_secret": PASSWORD});
    let answer = post(app, "/register", &body).await;
    if answer.status == 409 {
        return;
    }
    let stored = answer.status(201).text_of("user_id");
    post(app, "/register", &json!({"user_id": stored, "user_secret": PASSWORD})).await.problem(409, "user_id_taken");
    let mut request = request(app, "POST", "/authenticate").header("content-type", "application/json");
    request = with(request.try_clone().expect("it has no body yet"), "user-agent", text).unwrap_or(request);
    let token = app.send(request.body(body.to_string())).await.ok().text_of("access_token");
    let whoami = app.send(self::request(app, "GET", "/whoami").bearer_auth(&token)).await.ok();
    assert_eq!(whoami.text_of("user_id"), stored, "{text:?}");
    app.send(self::request(app, "GET", "/sessions").bearer_auth(token)).await.ok();
}

/// A password that can be registered signs in, and another does not.
async fn passwords(app: &App, text: &str) {
    let user_id = app.fresh_name("naughty");
    let answer = post(app, "/register", &json!({"user_id": user_id, "user_secret": text})).await;
    if answer.status == 422 {
        assert_eq!(answer.problem(422, "validation_failed").body()["errors"][0]["field"], "user_secret", "{text:?}");
        return;
    }
    answer.status(201);
    post(app, "/authenticate", &json!({"user_id": user_id, "user_secret": text})).await.ok();
    let longer = json!({"user_id": user_id, "user_secret": format!("{text}x")});
    post(app, "/authenticate", &longer).await.problem(401, "invalid_credentials");
    let user_id = app.fresh_name("naughty");
    let answer = post(app, "/register", &json!({"user_id": user_id, "user_secret": PASSWORD, "email": text})).await;
    assert!([201, 422].contains(&answer.status), "{text:?}: {} {}", answer.status, answer.text);
}

/// Nobody signs in as somebody who is not there.
async fn strangers(app: &App, text: &str) {
    for body in [
        json!({"user_id": format!("{text}-"), "user_secret": text, "device_token": text}),
        json!({"user_key": text, "user_secret": PASSWORD}),
    ] {
        post(app, "/authenticate", &body).await.problem(401, "invalid_credentials");
    }
}

/// Each line of the log that holds the forged event holds it as a text in something else.
async fn nothing_is_forged(app: &App) {
    let last = app.get(&app.service(), "/whoami").await.ok();
    let log = app.stack.log_until(&last).await;
    for line in log.lines().filter(|line| line.contains(FORGED)) {
        let read: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no line of ours: {line}"));
        assert!(read["event"] != FORGED && read["request_id"].is_string(), "{line}");
    }
    assert!(lines_of(&log).iter().all(|line| line["event"] != FORGED));
}
