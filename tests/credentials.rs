//! What a request presents to say who it is from: every form that counts, and every other one refused. Forged tokens have a
//! module of their own ([`jose`](crate::jose)).

use serde_json::json;
use shared::{
    access_token::Claims,
    world::{System, Timestamp, World},
};

use crate::support::{Answer, App, Known, Person};

/// Asks `GET path` with this `Authorization` header.
async fn ask(app: &App, application: &Known, path: &str, authorization: &str) -> Answer {
    let request = app.request("GET", path).header("api-key", &application.publishable_key);
    app.send(request.header("authorization", authorization.as_bytes())).await
}

/// The claims of a real token, to be changed and signed again.
fn claims_of(person: &Person) -> Claims {
    serde_json::from_value(person.claims()).expect("the claims are complete")
}

#[tokio::test]
async fn the_challenge_says_whether_a_token_was_there() {
    let app = App::start();
    for (method, path) in
        [("GET", "/token-info"), ("GET", "/sessions"), ("DELETE", "/sessions"), ("DELETE", "/sessions/x")]
    {
        let request = || app.request(method, path).header("api-key", app.service().publishable_key);
        let without = app.send(request()).await.problem(401, "token_required");
        assert_eq!(without.header("www-authenticate"), r#"Bearer realm="gatelet""#, "{method} {path}");
        let bad = app.send(request().header("authorization", "Bearer bad")).await.problem(401, "invalid_token");
        assert_eq!(
            bad.header("www-authenticate"),
            r#"Bearer realm="gatelet", error="invalid_token""#,
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn an_authorization_header_holds_one_bearer_token() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let token = &alice.access_token;
    for (header, status) in [
        (format!("Bearer {token}"), 200),
        (format!("bearer {token}"), 200),
        (format!("BEARER {token}"), 200),
        (format!("Bearer   {token}  "), 200),
        (format!("Bearer {token} {token}"), 400),
        (format!("Bearer {token},{token}"), 400),
        (format!("Bearer {token}, Bearer {token}"), 400),
        (format!("Bearer\t{token}"), 400),
        (format!("Bearer {token}\tx"), 400),
        (format!("Basic eDp5, Bearer {token}"), 400),
        (format!("Token {token}"), 401),
        (token.clone(), 401),
        ("Bearer".to_owned(), 401),
        ("Basic eDp5".to_owned(), 401),
        (String::new(), 401),
    ] {
        for path in ["/token-info", "/whoami"] {
            let answer = ask(&app, &alice.application, path, &header).await;
            let shown = header.replace(token, "TOKEN");
            assert_eq!(answer.status, status, "{path} {shown:?}: {}", answer.text);
            match status {
                400 => drop(answer.problem(400, "invalid_request")),
                401 => drop(answer.problem(401, "invalid_token")),
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn a_token_with_a_character_that_none_of_ours_has_is_corrupted() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    for character in ["$", "+", "/", "=", "%", "~", "é", "\"", "\\", "(", ":", "%20"] {
        let token = alice.access_token.replacen('.', &format!("{character}."), 1);
        let answer = ask(&app, &alice.application, "/token-info", &format!("Bearer {token}")).await;
        let answer = answer.problem(401, "invalid_token");
        assert!(answer.text_of("detail").contains("corrupted"), "{character}: {}", answer.text);
    }
}

#[tokio::test]
async fn two_credentials_must_be_one() {
    let app = App::start();
    let (alice, eve) = (app.signed_in(&app.service(), "alice").await, app.signed_in(&app.service(), "eve").await);
    let mut later = alice.clone();
    later.refresh().await.ok();
    for path in ["/token-info", "/whoami", "/sessions"] {
        for (cookie, status) in [(&alice, 200), (&eve, 400), (&later, 400)] {
            let request = app.request("GET", path).header("api-key", &alice.application.publishable_key);
            let request = request.header("cookie", format!("access_token={}", cookie.access_token));
            let answer = app.send(request.bearer_auth(&alice.access_token)).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.text);
        }
    }
    let body = json!({"refresh_token": alice.refresh_token}).to_string();
    let request = app
        .request("POST", "/refresh")
        .header("api-key", app.web().publishable_key)
        .header("origin", "http://localhost:5173");
    let request = request
        .header("content-type", "application/json")
        .header("cookie", format!("refresh_token={}", eve.refresh_token));
    app.send(request.body(body)).await.problem(400, "invalid_request");
}

#[tokio::test]
async fn optional_authentication_has_three_states() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    assert_eq!(app.get(&alice.application, "/whoami").await.ok().body(), json!({"authenticated": false}));

    let body = alice.whoami().await.ok().body();
    assert_eq!((&body["authenticated"], &body["user_key"]), (&json!(true), &json!(alice.user_key)));
    assert_eq!((&body["user_id"], &body["session_id"]), (&json!(alice.user_id), &json!(alice.session_id())));

    let store = app.database.store();
    let signer = store.signing_keys.signer(System.now()).await.unwrap();
    let now = System.now().seconds();
    let expired = Claims { exp: Timestamp::from_seconds(now - 31), ..claims_of(&alice) };
    let expired = signer.sign(&expired).unwrap();
    for bad in ["bad", "a.b.c", "e30.e30.e30", expired.expose(), &alice.access_token[..alice.access_token.len() - 1]] {
        ask(&app, &alice.application, "/whoami", &format!("Bearer {bad}")).await.problem(401, "invalid_token");
    }
    alice.log_out().await.ok();
    alice.whoami().await.problem(401, "invalid_token");
}

#[tokio::test]
async fn a_token_is_good_from_its_start_to_its_end_and_half_a_minute_more() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let signer = app.database.store().signing_keys.signer(System.now()).await.unwrap();
    let claims = claims_of(&alice);
    let at = |offset: i64| Timestamp::from_seconds(System.now().seconds().saturating_add_signed(offset));
    for (what, claims, status) in [
        ("as it was", claims.clone(), 200),
        ("just expired", Claims { exp: at(-5), ..claims.clone() }, 200),
        ("expired", Claims { exp: at(-31), ..claims.clone() }, 401),
        ("expired long ago", Claims { exp: Timestamp::from_seconds(0), ..claims.clone() }, 401),
        ("not yet good", Claims { nbf: at(120), ..claims.clone() }, 401),
        ("issued in the future", Claims { iat: at(120), ..claims.clone() }, 401),
        ("another issuer", Claims { iss: "https://evil.example/api/v1/auth".into(), ..claims.clone() }, 401),
        ("an issuer that begins alike", Claims { iss: format!("{}/", claims.iss), ..claims.clone() }, 401),
        ("another audience", Claims { aud: "https://orders.example.com".into(), ..claims.clone() }, 401),
        ("an older epoch", Claims { ep: claims.ep + 1, ..claims.clone() }, 401),
    ] {
        let token = signer.sign(&claims).unwrap();
        let answer = ask(&app, &alice.application, "/token-info", &format!("Bearer {}", token.expose())).await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
    }
}

#[tokio::test]
async fn any_changed_character_spoils_a_token() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let token = &alice.access_token;
    let dots: Vec<_> = token.match_indices('.').map(|(at, _)| at).collect();
    for at in [0, 5, dots[0] - 1, dots[0], dots[0] + 1, dots[1] - 1, dots[1], dots[1] + 1, token.len() - 2] {
        let other = if &token[at..=at] == "A" { "B" } else { "A" };
        let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
        ask(&app, &alice.application, "/whoami", &format!("Bearer {changed}")).await.problem(401, "invalid_token");
    }
    for changed in
        [format!("{token}."), format!(".{token}"), format!("{token}AA"), token.replace('.', ".."), token.repeat(2)]
    {
        ask(&app, &alice.application, "/whoami", &format!("Bearer {changed}")).await.problem(401, "invalid_token");
    }
}

#[tokio::test]
async fn neither_token_is_taken_for_the_other() {
    let app = App::start();
    let mut alice = app.signed_in(&app.service(), "alice").await;
    for path in ["/token-info", "/whoami", "/sessions"] {
        ask(&app, &alice.application, path, &format!("Bearer {}", alice.refresh_token))
            .await
            .problem(401, "invalid_token");
    }
    alice.refresh_with(&alice.access_token).await.problem(401, "invalid_grant");
    alice.refresh().await.ok();
}

#[tokio::test]
async fn a_token_for_another_audience_is_refused() {
    let app = App::start();
    let orders = app.application(|application| application.audience = Some("https://orders.example.com".into())).await;
    let alice = app.signed_in(&orders, "alice").await;
    assert_eq!(alice.claims()["aud"], "https://orders.example.com");
    alice.token_info().await.ok();
    ask(&app, &app.service(), "/token-info", &format!("Bearer {}", alice.access_token))
        .await
        .problem(401, "invalid_token");

    let bob = app.signed_in(&app.service(), "bob").await;
    ask(&app, &orders, "/token-info", &format!("Bearer {}", bob.access_token)).await.problem(401, "invalid_token");
}
