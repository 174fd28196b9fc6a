//! What an application with a secret key may ask of a token, and take back (RFC 7662, RFC 7009).

use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use shared::{
    access_token::Claims,
    world::{System, Timestamp, World},
};

use crate::support::{Answer, App, Known, Person};

const ENDPOINTS: [&str; 2] = ["/introspect", "/revoke"];

fn form(app: &App, path: &str, body: &str) -> RequestBuilder {
    let request = app.request("POST", path).header("content-type", "application/x-www-form-urlencoded");
    request.body(body.to_owned())
}

async fn introspect(app: &App, application: &Known, token: &str) -> Value {
    let request = form(app, "/introspect", &format!("token={token}")).header("api-key", &application.secret_key);
    let answer = app.send(request).await.ok();
    assert_eq!((answer.header("content-type"), answer.header("cache-control")), ("application/json", "no-store"));
    answer.body()
}

async fn revoke(app: &App, application: &Known, token: &str) {
    let request = form(app, "/revoke", &format!("token={token}")).header("api-key", &application.secret_key);
    let answer = app.send(request).await.ok();
    assert_eq!(answer.text, "");
}

/// It is refused in the form of RFC 6749 §5.2.
#[track_caller]
fn assert_refused(answer: &Answer, status: u16, error: &str) {
    assert_eq!((answer.status, answer.body()["error"].as_str()), (status, Some(error)), "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/json");
}

fn basic(name: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{secret}")))
}

fn inactive() -> Value {
    json!({"active": false})
}

#[tokio::test]
async fn only_an_application_that_proves_itself_may_ask() {
    let app = App::start();
    let [known, other] = [app.application(|_| {}).await, app.application(|_| {}).await];
    for path in ENDPOINTS {
        let plain = || form(&app, path, "token=x");
        let with_basic = |name: &str, secret: &str| plain().header("authorization", basic(name, secret));
        for request in [
            plain(),
            plain().header("api-key", &known.publishable_key),
            plain().header("api-key", "sk_wrong"),
            plain().bearer_auth(&known.secret_key),
            plain().header("authorization", "Basic not-base64"),
            plain().header("authorization", "Basic"),
            with_basic(&known.id, &known.publishable_key),
            with_basic(&known.id, "wrong"),
            with_basic(&other.id, &known.secret_key),
            with_basic("", &known.secret_key),
            form(&app, path, &format!("token=x&client_id={}&client_secret={}", known.id, known.secret_key)),
        ] {
            let answer = app.send(request).await;
            assert_refused(&answer, 401, "invalid_client");
            assert!(!answer.header("www-authenticate").is_empty());
        }
        let challenge = app.send(plain()).await;
        assert!(challenge.header("www-authenticate").starts_with("Basic realm="), "{path}");
        app.send(plain().header("api-key", &known.secret_key)).await.ok();
        app.send(with_basic(&known.id, &known.secret_key)).await.ok();
        app.send(plain().header("authorization", basic(&known.id, &known.secret_key).replace("Basic", "basic")))
            .await
            .ok();
        let both = with_basic(&known.id, &known.secret_key).header("api-key", &known.secret_key);
        assert_refused(&app.send(both).await, 400, "invalid_request");
    }
}

#[tokio::test]
async fn a_request_of_another_form_is_refused() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let key = app.service().secret_key;
    for path in ENDPOINTS {
        let token = &alice.refresh_token;
        let post = |path: &str, content_type: &str, body: String| {
            app.request("POST", path).header("api-key", &key).header("content-type", content_type).body(body)
        };
        let form_type = "application/x-www-form-urlencoded";
        for (request, status) in [
            (post(path, "application/json", json!({"token": token}).to_string()), 415),
            (post(path, "text/plain", format!("token={token}")), 415),
            (post(path, "", format!("token={token}")), 415),
            (post(path, form_type, String::new()), 400),
            (post(path, form_type, format!("tokens={token}")), 400),
            (post(path, form_type, format!("token={token}&token={token}")), 400),
            (post(&format!("{path}?token={token}"), form_type, String::new()), 400),
            (post(&format!("{path}?token={token}"), form_type, format!("token={token}")), 400),
            (post(path, form_type, format!("token={}", "x".repeat(70_000))), 413),
        ] {
            assert_refused(&app.send(request).await, status, "invalid_request");
        }
    }
    alice.token_info().await.ok();
}

#[tokio::test]
async fn both_tokens_of_a_living_session_are_active() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let access = introspect(&app, &alice.application, &alice.access_token).await;
    let claims = alice.claims();
    for (name, value) in claims.as_object().unwrap() {
        assert_eq!(&access[name], value, "{name}");
    }
    assert_eq!((&access["active"], &access["token_type"]), (&json!(true), &json!("Bearer")));
    assert_eq!(access["username"], alice.user_id);

    let refresh = introspect(&app, &alice.application, &alice.refresh_token).await;
    assert_eq!((&refresh["active"], &refresh["sub"]), (&json!(true), &json!(alice.user_key)));
    assert_eq!((&refresh["sid"], &refresh["client_id"]), (&claims["sid"], &json!(alice.application.id)));
    assert_eq!(refresh.get("token_type"), None, "a refresh token is no bearer token");
}

#[tokio::test]
async fn everything_else_is_inactive_and_nothing_more() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let mut eve = app.signed_in(&app.service(), "eve").await;
    let oldest = eve.refresh_token.clone();
    eve.refresh().await.ok();
    eve.refresh().await.ok();
    let signer = app.database.store().signing_keys.signer(System.now()).await.unwrap();
    let claims: Claims = serde_json::from_value(alice.claims()).unwrap();
    let past = Timestamp::from_seconds(System.now().seconds() - 60);
    let expired = signer.sign(&Claims { exp: past, ..claims.clone() }).unwrap();
    let elsewhere = signer.sign(&Claims { aud: "https://orders.example.com".into(), ..claims }).unwrap();
    let long = "x".repeat(50_000);
    for token in [
        "",
        "x",
        "a.b.c",
        "gl_rt_",
        "gl_rt_AAAA",
        "%00",
        "%ff%fe",
        &long,
        &oldest,
        expired.expose(),
        elsewhere.expose(),
    ] {
        assert_eq!(introspect(&app, &app.service(), token).await, inactive());
    }
    let flipped = alice.refresh_token.replacen("gl_rt_", "gl_rt_A", 1);
    assert_eq!(introspect(&app, &app.service(), &flipped).await, inactive());

    let other = app.application(|_| {}).await;
    for token in [&alice.access_token, &alice.refresh_token] {
        assert_eq!(
            introspect(&app, &other, token).await,
            inactive(),
            "an application learns nothing of another's tokens"
        );
        assert_eq!(introspect(&app, &app.service(), token).await["active"], true);
    }
    eve.token_info().await.ok();
}

#[tokio::test]
async fn a_token_is_inactive_as_soon_as_its_session_is_over() {
    let app = App::start();
    for _ in 0..5 {
        let alice = app.signed_in(&app.service(), "alice").await;
        alice.log_out().await.ok();
        for token in [&alice.access_token, &alice.refresh_token] {
            assert_eq!(introspect(&app, &alice.application, token).await, inactive());
        }
    }
}

/// A person whose session has been refreshed twice, and the session's first refresh token.
async fn refreshed(app: &App) -> (Person, String) {
    let mut alice = app.signed_in(&app.service(), "alice").await;
    let oldest = alice.refresh_token.clone();
    alice.refresh().await.ok();
    alice.refresh().await.ok();
    (alice, oldest)
}

async fn assert_over(person: &Person) {
    person.token_info().await.problem(401, "invalid_token");
    person.refresh_and_lose_the_answer().await.problem(401, "invalid_grant");
}

#[tokio::test]
async fn any_token_of_a_session_revokes_all_of_it() {
    let app = App::start();
    for which in ["access", "newest refresh", "oldest refresh"] {
        let (alice, oldest) = refreshed(&app).await;
        let token = match which {
            "access" => &alice.access_token,
            "newest refresh" => &alice.refresh_token,
            _ => &oldest,
        };
        revoke(&app, &alice.application, token).await;
        assert_over(&alice).await;
        revoke(&app, &alice.application, token).await;
    }
}

#[tokio::test]
async fn revoking_what_is_no_token_is_answered_like_any_other() {
    let app = App::start();
    for token in ["", "x", "a.b.c", "gl_rt_AAAA", "%00", "%F0%9F%94%91"] {
        revoke(&app, &app.service(), token).await;
    }
}

#[tokio::test]
async fn another_applications_token_is_not_revoked() {
    let app = App::start();
    let (mut alice, oldest) = refreshed(&app).await;
    let other = app.application(|_| {}).await;
    let before = alice.session().await;
    for token in [&alice.access_token, &alice.refresh_token, &oldest] {
        revoke(&app, &other, token).await;
    }
    assert_eq!(alice.session().await, before);
    alice.token_info().await.ok();
    alice.refresh().await.ok();
}

#[tokio::test]
async fn a_hint_changes_nothing() {
    let app = App::start();
    for hint in ["access_token", "refresh_token", "id_token", "", "%00"] {
        let alice = app.signed_in(&app.service(), "alice").await;
        for token in [&alice.access_token, &alice.refresh_token] {
            let body = format!("token={token}&token_type_hint={hint}");
            let request = form(&app, "/introspect", &body).header("api-key", app.service().secret_key);
            assert_eq!(app.send(request).await.ok().body()["active"], true, "{hint}");
        }
        let body = format!("token_type_hint={hint}&token={}", alice.refresh_token);
        app.send(form(&app, "/revoke", &body).header("api-key", app.service().secret_key)).await.ok();
        assert_over(&alice).await;
    }
}
