//! Applications and the keys that name them.

use reqwest::RequestBuilder;
use serde_json::json;
use shared::{
    api_key::{ApiKey, KeyKind},
    application::StoredKey,
    ids::{ApplicationId, SessionId},
    world::{System, World},
};

use crate::support::{Answer, App, Known, PASSWORD, claims};

/// A request to each route that names its application.
fn requests_of_applications(app: &App) -> impl Iterator<Item = RequestBuilder> {
    let without = ["jwks", "discovery", "introspect", "revoke", "oauth_callback"];
    functions::ROUTES.iter().filter(move |route| !without.contains(&route.function)).map(|route| {
        let path = route.path.strip_prefix("/api/v1/auth").expect("it is below the base path");
        let path = path.replace("{session_id}", &SessionId::random(&System).to_string());
        app.request(route.method, &path).header("content-type", "application/json").body("{}")
    })
}

async fn whoami(app: &App, key: &str) -> Answer {
    app.send(app.request("GET", "/whoami").header("api-key", key)).await
}

#[tokio::test]
async fn a_key_that_is_not_one_of_ours_is_refused() {
    let app = App::start();
    let known = app.application(|_| {}).await;
    let key = known.publishable_key.as_str();
    let id: ApplicationId = known.id.parse().unwrap();
    let [(another, _), (unknown, _)] =
        [id, ApplicationId::random(&System)].map(|id| ApiKey::generate(KeyKind::Publishable, id, &System));
    for bad in [
        "",
        "pk_",
        "nonsense",
        &known.id,
        another.expose(),
        unknown.expose(),
        &key.replace("pk_", "sk_"),
        &known.secret_key.replace("sk_", "pk_"),
        &key[..key.len() - 1],
        &format!("{key}A"),
        &key.to_uppercase(),
        &format!("{key},{key}"),
        &format!("{key} {key}"),
        &format!("pk_{}", "A".repeat(5_000)),
    ] {
        let answer = whoami(&app, bad).await.problem(401, "invalid_api_key");
        assert_eq!(answer.header("www-authenticate"), r#"Api-Key realm="gatelet""#);
        assert!(answer.cookies().is_empty());
    }
    whoami(&app, key).await.ok();
    for request in requests_of_applications(&app) {
        app.send(request.header("api-key", unknown.expose())).await.problem(401, "invalid_api_key");
    }
}

#[tokio::test]
async fn unknown_revoked_and_mistyped_keys_are_alike() {
    let app = App::start();
    let known = app.application(|_| {}).await;
    let (revoked, _) = ApiKey::generate(KeyKind::Publishable, known.id.parse().unwrap(), &System);
    let (unknown, _) = ApiKey::generate(KeyKind::Publishable, ApplicationId::random(&System), &System);
    let mistyped = known.publishable_key.replacen("pk_", "pk_A", 1);
    let expected = whoami(&app, revoked.expose()).await.text;
    assert_eq!(whoami(&app, unknown.expose()).await.text, expected);
    assert_eq!(whoami(&app, &mistyped).await.text, expected);
}

#[tokio::test]
async fn both_kinds_of_key_name_the_application_and_neither_is_a_user() {
    let app = App::start();
    let known = app.application(|_| {}).await;
    for key in [&known.publishable_key, &known.secret_key] {
        assert_eq!(whoami(&app, key).await.ok().body(), json!({"authenticated": false}));
        let request = app.request("GET", "/token-info").header("api-key", key);
        app.send(request).await.problem(401, "token_required");
        let alice = app.signed_in(&Known { publishable_key: key.clone(), ..known.clone() }, "alice").await;
        assert_eq!(alice.claims()["client_id"], known.id);
    }
}

/// An application with a second publishable key, which is returned too.
async fn with_two_keys(app: &App) -> (Known, String) {
    let mut second = None;
    let known = app
        .application(|application| {
            let (key, hash) = ApiKey::generate(KeyKind::Publishable, application.id, &System);
            application.keys.push(StoredKey { kind: KeyKind::Publishable, hash, created_at: System.now() });
            second = Some(key.into_exposed());
        })
        .await;
    (known, second.expect("the key was made"))
}

#[tokio::test]
async fn two_keys_are_good_at_a_time() {
    let app = App::start();
    let (known, second) = with_two_keys(&app).await;
    for key in [&known.publishable_key, &second, &known.secret_key] {
        whoami(&app, key).await.ok();
    }
}

#[tokio::test]
async fn a_revoked_key_is_refused_and_the_other_goes_on() {
    let app = App::start();
    let (known, second) = with_two_keys(&app).await;
    let applications = app.database.store().applications;
    let (mut application, version) = applications.find(known.id.parse().unwrap()).await.unwrap().unwrap();
    let revoked = ApiKey::parse(&known.publishable_key).unwrap();
    application.keys.retain(|key| !revoked.matches(&key.hash));
    applications.save(&application, Some(version)).await.unwrap();

    whoami(&app, &known.publishable_key).await.problem(401, "invalid_api_key");
    whoami(&app, &second).await.ok();
    whoami(&app, &known.secret_key).await.ok();
}

#[tokio::test]
async fn a_key_in_the_query_is_refused_even_beside_a_good_one() {
    let app = App::start();
    let known = app.service();
    let path = format!("/whoami?api_key={}", known.publishable_key);
    app.get(&known, &path).await.problem(400, "invalid_request");
    app.send(app.request("GET", &path)).await.problem(400, "invalid_request");
}

#[tokio::test]
async fn a_refresh_token_works_only_for_the_application_it_was_issued_to() {
    let app = App::start();
    let mut alice = app.signed_in(&app.service(), "alice").await;
    let before = alice.session().await;
    let rotating = app.application(|_| {}).await;
    let lasting = app.application(|application| application.refresh.rotation = false).await;
    for other in [&rotating, &lasting, &app.legacy()] {
        let body = json!({"refresh_token": alice.refresh_token});
        let answer = app.post(other, "/refresh", &body).await.problem(401, "invalid_grant");
        assert!(answer.cookies().is_empty());
        assert_eq!(alice.session().await, before, "the session is untouched");
    }
    alice.token_info().await.ok();
    alice.refresh().await.ok();
}

#[tokio::test]
async fn another_application_cannot_sign_a_session_out_by_its_refresh_token() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let other = app.application(|_| {}).await;
    let answer = app.post(&other, "/logout", &json!({"refresh_token": alice.refresh_token})).await;
    assert!(answer.problem(401, "invalid_token").cookies().is_empty());
    alice.token_info().await.ok();
}

#[tokio::test]
async fn the_default_application_serves_requests_without_a_key() {
    let app = App::start();
    let body = json!({"user_id": app.fresh_name("script"), "user_secret": PASSWORD}).to_string();
    let post = |path: &str| app.request("POST", path).header("content-type", "application/json").body(body.clone());
    app.send(post("/register")).await.status(201);
    let answer = app.send(post("/authenticate")).await.ok();
    assert_eq!(answer.body()["expires_in"], 3600);
    assert_eq!(claims(&answer.text_of("access_token"))["client_id"], app.legacy().id);
}

#[tokio::test]
async fn without_a_default_application_a_key_is_required() {
    let app = App::deployed();
    for request in requests_of_applications(&app) {
        let answer = app.send(request).await.problem(401, "api_key_required");
        assert_eq!(answer.header("www-authenticate"), r#"Api-Key realm="gatelet""#);
        assert!(answer.cookies().is_empty());
    }
    app.get(&app.service(), "/whoami").await.ok();
    for path in ["/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        app.send(app.request("GET", path)).await.ok();
    }
}
