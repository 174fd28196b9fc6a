//! Paths, queries, headers and cookies that no client should send get a specific refusal: never a 5xx, never a hang.

use functions::ROUTES;
use serde_json::{Value, json};

use crate::support::{App, PASSWORD, Person, project_file};

#[tokio::test]
async fn credentials_in_the_query_are_refused_everywhere() {
    let app = App::start();
    // What the callback's query holds is the provider's to say.
    let takes_none = ["jwks", "discovery", "oauth_callback"];
    for route in ROUTES.iter().filter(|route| !takes_none.contains(&route.function)) {
        for name in [
            "access_token",
            "refresh_token",
            "token",
            "user_secret",
            "client_secret",
            "api_key",
            "api-key",
            "Api-Key",
            "access%5Ftoken",
        ] {
            let path = route.path.replace("{session_id}", "x");
            let answer = app.send_raw(route.method, &format!("{path}?a=b&{name}=x"), &[], b"").await;
            assert_eq!(answer.status, 400, "{} {path}?{name}: {}", route.method, answer.text);
            let body = answer.body();
            assert!(body["code"] == "invalid_request" || body["error"] == "invalid_request", "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_head_over_the_gateways_limit_is_refused() {
    let app = App::start();
    let request = app.request("GET", "/whoami").header("x-long", "x".repeat(11 * 1024));
    app.send(request).await.status(431);
    let cookies = format!("theme={}", "x".repeat(11 * 1024));
    app.send(app.request("GET", "/whoami").header("cookie", cookies)).await.status(431);
}

#[tokio::test]
async fn what_no_route_names_is_not_found() {
    let app = App::start();
    for (method, path) in [
        ("GET", "/api/v1/auth/register"),
        ("PUT", "/api/v1/auth/register"),
        ("GET", "/api/v1/auth/logout"),
        ("PATCH", "/api/v1/auth/refresh"),
        ("GET", "/api/v1/auth/refresh"),
        ("POST", "/api/v1/auth/whoami"),
        ("OPTIONS", "/api/v1/auth/logout"),
        ("DELETE", "/api/v1/auth/sessions/"),
        ("DELETE", "/api/v1/auth/sessions/a/b"),
        ("GET", "/api/v1/auth/sessions/a"),
        ("GET", "/api/v1/auth/whoami/"),
        ("GET", "//api/v1/auth/whoami"),
        ("GET", "/api/v1/auth/../auth/whoami"),
        ("GET", "/api/v1/auth/Whoami"),
        ("BREW", "/api/v1/auth/whoami"),
        ("GET", "/"),
        ("GET", "/favicon.ico"),
    ] {
        let answer = app.send_raw(method, path, &[], b"").await.status(404);
        assert_eq!(answer.body(), json!({"message": "Not Found"}), "{method} {path}");
    }
}

#[tokio::test]
async fn a_session_id_that_is_none_is_no_session() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let authorization = format!("Bearer {}", alice.access_token);
    let headers = [("api-key", alice.application.publishable_key.as_str()), ("authorization", &authorization)];
    let long = "x".repeat(5 * 1024);
    for id in [
        "%00",
        "a%00b",
        "a%2Fb",
        "..%2F..",
        "%2e%2e",
        ".",
        "..",
        "%F0%9F%94%91",
        "%D1%84",
        "%ff%fe",
        "%",
        "%zz",
        "%20",
        "%0d%0a",
        "null",
        "undefined",
        "*",
        "%3Cscript%3E",
        "%7Bsession_id%7D",
        "00000000-0000-0000-0000-000000000000",
        "a;b",
        "a%3Fb%3Dc",
        "a%23b",
        "[",
        "\\",
        "|",
        "a:b@c",
        &long,
    ] {
        let path = format!("/api/v1/auth/sessions/{id}");
        let answer = app.send_raw("DELETE", &path, &headers, b"").await;
        assert_eq!(answer.status, 404, "{}: {}", &id[..id.len().min(40)], answer.text);
    }
    alice.token_info().await.ok();
}

#[tokio::test]
async fn a_header_that_is_there_twice_is_refused() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let bearer = format!("Bearer {}", alice.access_token);
    let key = alice.application.publishable_key.as_str();
    let whoami = "/api/v1/auth/whoami";
    let twice = [("api-key", key), ("authorization", &bearer), ("authorization", &bearer)];
    app.send_raw("GET", whoami, &twice, b"").await.problem(400, "invalid_request");
    let twice = [("api-key", key), ("api-key", key), ("authorization", &bearer)];
    app.send_raw("GET", whoami, &twice, b"").await.problem(401, "invalid_api_key");
    let json = ("content-type", "application/json");
    app.send_raw("POST", "/api/v1/auth/refresh", &[("api-key", key), json, json], b"{}")
        .await
        .problem(415, "unsupported_media_type");
}

#[tokio::test]
async fn a_cookie_is_found_however_it_is_written() {
    let app = App::start();
    let Person { access_token: token, application, .. } = app.signed_in(&app.service(), "alice").await;
    let many = (0..100).map(|number| format!("c{number}=v; ")).collect::<Vec<_>>().concat();
    for (cookies, status, authenticated) in [
        (format!("{many}access_token={token}"), 200, Some(true)),
        (format!("access_token={token};theme=dark"), 200, Some(true)),
        (format!("theme=dark;access_token={token};lang=en"), 200, Some(true)),
        (format!("access_token=\"{token}\""), 200, Some(true)),
        (format!("access_token={token}; access_token={token}"), 200, Some(true)),
        (format!("ACCESS_TOKEN={token}"), 200, Some(false)),
        (format!("xaccess_token={token}; access_token2={token}"), 200, Some(false)),
        ("access_token=".to_owned(), 200, Some(false)),
        ("access_token".to_owned(), 200, Some(false)),
        (";;; =; =x; ;".to_owned(), 200, Some(false)),
        (format!("access_token={token}; access_token=other"), 400, None),
        ("access_token=\"".to_owned(), 401, None),
        ("access_token=a b".to_owned(), 401, None),
    ] {
        let answer = app
            .send(
                app.request("GET", "/whoami")
                    .header("api-key", &application.publishable_key)
                    .header("cookie", &cookies),
            )
            .await;
        let shown = cookies.replace(&token, "TOKEN");
        assert_eq!(
            (answer.status, answer.body()["authenticated"].as_bool()),
            (status, authenticated),
            "{shown}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn a_header_of_any_bytes_is_no_failure() {
    let app = App::start();
    let alice = app.registered(&app.service(), "alice").await;
    let body = json!({"user_id": alice.user_id, "user_secret": PASSWORD}).to_string();
    let key = alice.application.publishable_key.as_str();
    for (name, value, status) in [
        ("user-agent", "", 200),
        ("user-agent", "Brouwser/é 🔑", 200),
        ("x-forwarded-for", "' OR 1=1 --", 200),
        ("x-amzn-trace-id", "Root=é", 200),
        ("cookie", "é=🔑; =; refresh_token=🔑", 200),
        ("origin", "http://é", 200),
        ("accept", "🔑", 200),
        ("x-\u{7f}", "x", 400),
        ("content-type", "application/jsön", 415),
        ("api-key", "pk_é", 401),
    ] {
        let usual = [("api-key", key), ("content-type", "application/json")];
        let headers: Vec<_> = usual.into_iter().filter(|(usual, _)| *usual != name).chain([(name, value)]).collect();
        let answer = app.send_raw("POST", "/api/v1/auth/authenticate", &headers, body.as_bytes()).await;
        assert_eq!(answer.status, status, "{name}: {value}: {}", answer.text);
    }
    let authorization = [("api-key", key), ("authorization", "Bearer é")];
    app.send_raw("GET", "/api/v1/auth/whoami", &authorization, b"").await.problem(401, "invalid_token");
}

/// What the gateway hands on as it came: the local one would refuse it.
#[tokio::test]
async fn an_event_that_makes_no_address_is_no_failure() {
    let app = App::start();
    let event = std::fs::read_to_string(project_file("events/whoami.json")).expect("the event is there");
    let event: Value = serde_json::from_str(&event).expect("JSON");
    for (pointer, value) in [
        ("/rawQueryString", "a=<b>"),
        ("/rawQueryString", "a=\u{e9}&b=a b"),
        ("/rawQueryString", "\u{0}"),
        ("/rawPath", ":"),
        ("/headers/host", "xn--"),
        ("/headers/host", "a b"),
        ("/headers/x-forwarded-proto", "://"),
    ] {
        let mut event = event.clone();
        event["headers"] = json!({"host": "auth.example.com", "x-forwarded-proto": "https"});
        *event.pointer_mut(pointer).expect("it is there") = json!(value);
        let answer = app.invoke("whoami", &event).await;
        assert_eq!(answer.body()["statusCode"], 200, "{pointer} {value:?}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_query_of_any_bytes_is_no_failure() {
    let app = App::start();
    let long = "x=".repeat(2_000);
    for query in [
        "",
        "&&==&",
        "a",
        "a=%",
        "%zz=%zz",
        "%ff=%fe",
        "%00=%00",
        "a[]=1&a[]=2",
        "a=1&a=2",
        "%F0%9F%94%91",
        "a=b?c#d",
        &long,
    ] {
        let answer = app.send_raw("GET", &format!("/api/v1/auth/whoami?{query}"), &[], b"").await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    }
}

#[tokio::test]
async fn cookies_in_two_headers_are_one_list() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let key = alice.application.publishable_key.as_str();
    let own = format!("access_token={}", alice.access_token);
    for (second, status) in [("theme=dark", 200), (own.as_str(), 200), ("access_token=other", 400)] {
        let headers = [("api-key", key), ("cookie", &own), ("cookie", second)];
        let answer = app.send_raw("GET", "/api/v1/auth/token-info", &headers, b"").await;
        assert_eq!(answer.status, status, "{second}: {}", answer.text);
    }
}
