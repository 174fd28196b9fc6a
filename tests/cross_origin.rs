//! Browsers: requests that a foreign page makes them send, what they may read, and what they may keep.

use reqwest::RequestBuilder;
use serde_json::json;

use crate::support::{Answer, App, Browser, PAGE, PASSWORD};

/// Origins that are not the page's, however much they look like it.
const FOREIGN: [&str; 10] = [
    "https://evil.example",
    "null",
    "http://localhost:5173.evil.example",
    "http://localhost:51730",
    "http://localhost",
    "https://localhost:5173",
    "http://evil-localhost:5173",
    "http://localhost:5173/",
    "HTTP://LOCALHOST:5173",
    "http://localhost:5173,http://localhost:5173",
];

/// Every unsafe request that cookies can authenticate, with the session that it could end.
const UNSAFE: [(&str, &str); 6] = [
    ("POST", "/authenticate"),
    ("POST", "/refresh"),
    ("POST", "/logout"),
    ("DELETE", "/logout"),
    ("DELETE", "/sessions"),
    ("DELETE", "/sessions/{session_id}"),
];

/// The request of a page that wants it to succeed, but for what the test makes of it.
fn request(browser: &Browser, method: &str, path: &str) -> RequestBuilder {
    let request = browser.request(method, &path.replace("{session_id}", &browser.session_id()));
    if path == "/authenticate" {
        let body = json!({"user_id": browser.user_id, "user_secret": PASSWORD}).to_string();
        request.header("content-type", "application/json").body(body)
    } else {
        request
    }
}

#[tokio::test]
async fn a_foreign_page_cannot_use_the_cookies() {
    let app = App::start();
    let mut browser = Browser::signed_in(&app, &app.web(), "alice").await;
    let before = app.database.session(&browser.user_key, &browser.session_id()).await;
    for (method, path) in UNSAFE {
        for origin in std::iter::once(None).chain(FOREIGN.map(Some)) {
            let request = request(&browser, method, path);
            let request = origin.into_iter().fold(request, |request, origin| request.header("origin", origin));
            let answer = app.send(request).await;
            assert_eq!(answer.status, 403, "{method} {path} from {origin:?}: {}", answer.text);
            assert!(answer.problem(403, "origin_not_allowed").cookies().is_empty());
        }
    }
    assert_eq!(app.database.session(&browser.user_key, &browser.session_id()).await, before, "nothing changed");
    assert_eq!(app.database.count_sessions(&browser.user_key).await, 1);
    browser.whoami().await.ok();
    browser.refresh().await.ok();
}

#[tokio::test]
async fn a_body_that_a_form_can_send_does_not_count_even_from_the_page_itself() {
    let app = App::start();
    let mut browser = Browser::signed_in(&app, &app.web(), "alice").await;
    let json = json!({"user_id": browser.user_id, "user_secret": PASSWORD}).to_string();
    for path in ["/authenticate", "/refresh", "/logout"] {
        for (content_type, body) in [
            ("text/plain", json.as_str()),
            ("text/plain;charset=application/json", "{}"),
            ("application/x-www-form-urlencoded", "user_id=alice&user_secret=x"),
            ("multipart/form-data; boundary=x", "--x--"),
            ("", "{}"),
        ] {
            let request = browser.from(PAGE, "POST", path).header("content-type", content_type);
            let answer = app.send(request.body(body.to_owned())).await.problem(403, "origin_not_allowed");
            assert!(answer.cookies().is_empty());
        }
    }
    browser.whoami().await.ok();
    browser.refresh().await.ok();
}

#[tokio::test]
async fn each_allowed_origin_may_use_the_cookies() {
    let app = App::start();
    let own = app.url("");
    for origin in [PAGE, &own] {
        let browser = Browser::signed_in(&app, &app.web(), "alice").await;
        for (method, path) in [("POST", "/refresh"), ("POST", "/logout")] {
            app.send(browser.from(origin, method, path)).await.ok();
        }
    }
}

#[tokio::test]
async fn reading_with_cookies_asks_for_no_origin() {
    let app = App::start();
    let browser = Browser::signed_in(&app, &app.web(), "alice").await;
    for path in ["/whoami", "/token-info", "/sessions"] {
        app.send(browser.request("GET", path)).await.ok();
        app.send(browser.from("https://evil.example", "GET", path)).await.ok();
    }
}

#[tokio::test]
async fn tokens_in_the_body_ask_for_no_origin() {
    let app = App::start();
    let mut alice = app.registered(&app.service(), "alice").await;
    alice.sign_in().await.ok();
    alice.refresh().await.ok();
    let body = json!({"user_id": alice.user_id, "user_secret": PASSWORD}).to_string();
    let request = app.request("POST", "/authenticate").header("api-key", &alice.application.publishable_key);
    let request = request.header("origin", "https://evil.example").header("content-type", "application/json");
    app.send(request.body(body)).await.ok();
    alice.log_out().await.ok();
}

#[tokio::test]
async fn a_cookie_is_protected_whichever_application_is_named() {
    let app = App::start();
    let mut browser = Browser::signed_in(&app, &app.web(), "alice").await;
    for key in [Some(app.service().publishable_key), None] {
        for (method, path) in [("POST", "/refresh"), ("POST", "/logout"), ("DELETE", "/sessions")] {
            let cookies = format!("access_token={}; refresh_token={}", browser.access_cookie, browser.refresh_cookie);
            let request = app.request(method, path).header("cookie", cookies).header("origin", "https://evil.example");
            let request = key.iter().fold(request, |request, key| request.header("api-key", key));
            app.send(request).await.problem(403, "origin_not_allowed");
        }
    }
    browser.refresh().await.ok();
}

/// The caller names the application, so its list must not open the cookies of another.
#[tokio::test]
async fn a_page_that_another_application_allows_cannot_use_the_cookies() {
    const NEIGHBOUR: &str = "http://blog.localhost";
    let app = App::start();
    let mut browser = Browser::signed_in(&app, &app.web(), "alice").await;
    let blog = app.application(|settings| settings.allowed_origins = vec![NEIGHBOUR.to_owned()]).await;
    let home = std::mem::replace(&mut browser.application, blog);
    for (method, path) in [("DELETE", "/sessions"), ("DELETE", "/sessions?keep_current=true"), ("DELETE", "/logout")] {
        let cookie = format!("access_token={}", browser.access_cookie);
        let request = app.request(method, path).header("api-key", &browser.application.publishable_key);
        let answer = app.send(request.header("origin", NEIGHBOUR).header("cookie", cookie)).await;
        answer.problem(403, "origin_not_allowed");
    }
    browser.application = home;
    browser.refresh().await.ok();
    assert_eq!(browser.whoami().await.ok().body()["authenticated"], true);
}

/// A foreign page can make a browser navigate to a form's target: no cookie goes along (`SameSite`), but one that comes back is kept.
#[tokio::test]
async fn a_foreign_page_cannot_make_a_browser_drop_its_cookies() {
    let app = App::start();
    for application in [Some(app.web()), Some(app.service()), None] {
        for origin in ["https://evil.example", "null"] {
            let request = app.request("POST", "/logout").header("origin", origin);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let request =
                application.iter().fold(request, |request, known| request.header("api-key", &known.publishable_key));
            let answer = app.send(request).await;
            assert!((400..500).contains(&answer.status), "{}", answer.text);
            assert!(
                answer.cookies().is_empty(),
                "{:?} {origin}: {:?}",
                application.as_ref().map(|known| &known.id),
                answer.cookies()
            );
        }
    }
}

async fn preflight(app: &App, origin: &str, method: &str, headers: &str) -> Answer {
    let request = app.request("OPTIONS", "/refresh").header("origin", origin);
    let request = request.header("access-control-request-method", method);
    app.send(request.header("access-control-request-headers", headers)).await
}

#[tokio::test]
async fn a_preflight_allows_the_page_and_nobody_else() {
    let app = App::start();
    let answer = preflight(&app, PAGE, "POST", "api-key,content-type,authorization").await;
    assert!([200, 204].contains(&answer.status));
    assert_eq!(answer.header("access-control-allow-origin"), PAGE);
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    for method in ["GET", "POST", "DELETE"] {
        assert!(answer.header("access-control-allow-methods").contains(method));
    }
    for name in ["api-key", "authorization", "content-type"] {
        assert!(answer.header("access-control-allow-headers").contains(name));
    }
    assert!(answer.headers.contains_key("access-control-max-age"));

    for origin in FOREIGN {
        let answer = preflight(&app, origin, "POST", "api-key").await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
        assert_eq!(answer.header("access-control-allow-credentials"), "", "{origin}");
    }
    for (method, headers) in [("PUT", "api-key"), ("POST", "x-other")] {
        assert_eq!(preflight(&app, PAGE, method, headers).await.header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn only_the_page_may_read_an_answer() {
    let app = App::start();
    let whoami = |origin: &str| {
        app.request("GET", "/whoami").header("origin", origin).header("api-key", app.web().publishable_key)
    };
    let bad = |origin: &str| whoami(origin).bearer_auth("bad");
    for (request, status) in [(whoami(PAGE), 200), (bad(PAGE), 401)] {
        let answer = app.send(request).await.status(status);
        assert_eq!(answer.header("access-control-allow-origin"), PAGE);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert!(answer.header("access-control-expose-headers").contains("www-authenticate"));
        assert_eq!(answer.header("vary"), "Origin");
    }
    for origin in FOREIGN {
        for request in [whoami(origin), bad(origin)] {
            let answer = app.send(request).await;
            assert_eq!(answer.header("access-control-allow-origin"), "", "{origin}");
            assert_eq!(answer.header("vary"), "Origin", "a cache must not hand one origin's answer to another");
        }
    }
}

#[tokio::test]
async fn every_answer_of_a_function_carries_the_security_headers() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let key = |request: RequestBuilder| request.header("api-key", app.service().publishable_key);
    let json = |path: &str, body: &str| {
        key(app.request("POST", path)).header("content-type", "application/json").body(body.to_owned())
    };
    for (request, status) in [
        (key(app.request("GET", "/whoami")), 200),
        (key(app.request("GET", "/token-info")).bearer_auth(&alice.access_token), 200),
        (key(app.request("GET", "/sessions")).bearer_auth(&alice.access_token), 200),
        (json("/refresh", &json!({"refresh_token": alice.refresh_token}).to_string()), 200),
        (json("/register", "{"), 400),
        (key(app.request("GET", "/token-info")), 401),
        (json("/authenticate", r#"{"user_id": "x", "user_secret": "x"}"#), 401),
        (app.request("GET", "/whoami").header("api-key", "x"), 401),
        (app.request("POST", "/introspect"), 401),
        (key(app.request("POST", "/refresh")).header("cookie", "refresh_token=x"), 403),
        (key(app.request("DELETE", "/sessions/x")).bearer_auth(&alice.access_token), 404),
        (json("/register", &json!({"user_id": alice.user_id, "user_secret": PASSWORD}).to_string()), 409),
        (json("/register", &"x".repeat(70_000)), 413),
        (key(app.request("POST", "/register")).body("x"), 415),
        (json("/register", "{}"), 422),
    ] {
        let answer = app.send(request).await.status(status);
        for (name, value) in [
            ("strict-transport-security", "max-age=63072000; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            (
                "content-security-policy",
                "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'",
            ),
            ("cache-control", "no-store"),
            ("vary", "Origin"),
        ] {
            assert_eq!(answer.header(name), value, "{status} {name}");
        }
    }
}
