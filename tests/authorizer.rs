//! A team's own routes behind the authorizers: `examples/protected-api`, deployed by `infra/examples/protected-api.yaml`.

use serde_json::{Value, json};

use crate::support::{Answer, App, Person};

/// Asks one of the team's routes.
async fn ask(app: &App, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = app.client.get(app.url(path));
    app.send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

async fn ask_with(app: &App, path: &str, token: &str) -> Answer {
    ask(app, path, &[("authorization", &format!("Bearer {token}"))]).await
}

/// What the function of the route says that it was told.
#[track_caller]
fn assert_greets(answer: Answer, person: &Person) {
    let body = answer.ok().body();
    assert_eq!(body["hello"], person.user_key);
    let claims = person.claims();
    for (told, claim) in [("user_key", "sub"), ("session_id", "sid"), ("application_id", "client_id")] {
        assert_eq!(body["context"][told], claims[claim], "{told}");
    }
    assert_eq!(
        body["context"]["scope"],
        claims["scope"].as_str().unwrap_or_default(),
        "empty where the token has none"
    );
    // API Gateway hands numbers and truth values on as it likes: as themselves or as text.
    let text = |value: &Value| value.to_string().trim_matches('"').to_owned();
    assert_eq!(text(&body["context"]["authenticated"]), "true");
    assert_eq!(text(&body["context"]["auth_time"]), text(&claims["auth_time"]));
}

#[tokio::test]
async fn a_required_route_is_for_those_who_are_signed_in() {
    let app = App::start();
    let answer = ask(&app, "/orders", &[]).await.status(401);
    assert_eq!(answer.body(), json!({"message": "Unauthorized"}));
    let alice = app.signed_in(&app.service(), "alice").await;
    assert_greets(ask_with(&app, "/orders", &alice.access_token).await, &alice);
}

#[tokio::test]
async fn an_optional_route_tells_strangers_and_people_apart() {
    let app = App::start();
    let body = ask(&app, "/catalogue", &[]).await.ok().body();
    assert_eq!(body["hello"], "stranger");
    assert_eq!(body["context"].get("user_key"), None);
    let alice = app.signed_in(&app.service(), "alice").await;
    assert_greets(ask_with(&app, "/catalogue", &alice.access_token).await, &alice);
}

#[tokio::test]
async fn a_bad_credential_passes_nowhere() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let token = &alice.access_token;
    let spoiled = format!("{token}A");
    for path in ["/orders", "/catalogue"] {
        for authorization in [
            "Bearer bad".to_owned(),
            "Bearer a.b.c".to_owned(),
            "Bearer ".to_owned() + &alice.refresh_token,
            "Basic eDp5".to_owned(),
            format!("Bearer {spoiled}"),
            format!("Bearer {token} {token}"),
            format!("Bearer {token},Bearer {token}"),
            format!("Bearer\t{token}"),
            token.clone(),
        ] {
            let answer = ask(&app, path, &[("authorization", &authorization)]).await.status(403);
            assert_eq!(answer.body(), json!({"message": "Forbidden"}), "{path}");
        }
    }
}

#[tokio::test]
async fn a_session_that_is_over_passes_nowhere_from_that_moment() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    for path in ["/orders", "/catalogue"] {
        ask_with(&app, path, &alice.access_token).await.ok();
    }
    alice.log_out().await.ok();
    for path in ["/orders", "/catalogue"] {
        ask_with(&app, path, &alice.access_token).await.status(403);
    }
}

#[tokio::test]
async fn the_access_cookie_counts_where_the_route_lets_it_reach_the_authorizer() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let cookie = format!("theme=dark; access_token={}", alice.access_token);
    assert_greets(ask(&app, "/catalogue", &[("cookie", &cookie)]).await, &alice);
    ask(&app, "/catalogue", &[("cookie", "access_token=bad")]).await.status(403);
    // The identity source of this route is the header: API Gateway does not even ask.
    ask(&app, "/orders", &[("cookie", &cookie)]).await.status(401);
}

#[tokio::test]
async fn two_credentials_that_differ_pass_nowhere() {
    let app = App::start();
    let (alice, eve) = (app.signed_in(&app.service(), "alice").await, app.signed_in(&app.service(), "eve").await);
    let authorization = format!("Bearer {}", alice.access_token);
    for path in ["/orders", "/catalogue"] {
        let own = format!("access_token={}", alice.access_token);
        assert_greets(ask(&app, path, &[("authorization", &authorization), ("cookie", &own)]).await, &alice);
        let other = format!("access_token={}", eve.access_token);
        ask(&app, path, &[("authorization", &authorization), ("cookie", &other)]).await.status(403);
    }
}

#[tokio::test]
async fn a_token_for_another_audience_passes_nowhere() {
    let app = App::start();
    let orders = app.application(|application| application.audience = Some("https://orders.example.com".into())).await;
    let alice = app.signed_in(&orders, "alice").await;
    for path in ["/orders", "/catalogue"] {
        ask_with(&app, path, &alice.access_token).await.status(403);
    }
}

#[tokio::test]
async fn what_a_caller_says_of_themselves_is_not_believed() {
    let app = App::start();
    let headers = [("x-user-key", "somebody"), ("user_key", "somebody"), ("x-amzn-authorizer-user_key", "somebody")];
    assert_eq!(ask(&app, "/catalogue", &headers).await.ok().body()["hello"], "stranger");
}
