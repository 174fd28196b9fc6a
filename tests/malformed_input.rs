//! Bodies that no client should send get a specific refusal: never a 5xx, never a hang.

use serde_json::json;

use crate::support::{Answer, App, PASSWORD};

/// The endpoints that read JSON.
const JSON: [&str; 4] = ["/register", "/authenticate", "/refresh", "/logout"];

async fn post(app: &App, path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
    let request = app.request("POST", path).header("api-key", app.service().publishable_key);
    app.send(request.header("content-type", content_type).body(body.into())).await
}

async fn post_json(app: &App, path: &str, body: impl Into<Vec<u8>>) -> Answer {
    post(app, path, "application/json", body).await
}

#[tokio::test]
async fn json_that_two_readers_could_read_differently_is_refused() {
    let app = App::start();
    let nested = format!(r#"{{"user_id": {}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let objects = format!("{}1{}", r#"{"a":"#.repeat(5_000), "}".repeat(5_000));
    let bodies: [&[u8]; 22] = [
        b"{",
        b"nope",
        b"[]",
        b"null",
        b"7",
        b"\"text\"",
        br#"{"user_id": "ada", "user_id": "eve"}"#,
        br#"{"user_id": {"a": 1, "a": 2}}"#,
        br#"{"refresh_token": "a", "refresh_token": "b"}"#,
        br#"{"user_id": "ada\u0000"}"#,
        br#"{"refresh_token": "\ud800"}"#,
        br#"{"user_secret": "\udfff\ud800"}"#,
        br#"{"user\u0000": "ada"}"#,
        br#"{"user_id": 1e999}"#,
        b"{\"user_id\": \"\0\"}",
        b"{\"user_id\": \"\xff\xfe\"}",
        b"\xef\xbb\xbf{}",
        br#"{"user_id": "ada"} {"user_id": "eve"}"#,
        br"{'user_id': 'ada'}",
        br#"{"user_id": "ada",}"#,
        nested.as_bytes(),
        objects.as_bytes(),
    ];
    for path in JSON {
        for body in bodies {
            let answer = post_json(&app, path, body).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(60)]).into_owned();
            assert_eq!(answer.status, 400, "{path} {shown}: {}", answer.text);
            answer.problem(400, "malformed_json");
        }
    }
}

#[tokio::test]
async fn a_member_of_the_wrong_type_is_named() {
    let app = App::start();
    let values = ["7", "-0.5", "true", "[]", "{}", r#"["text"]"#, r#"{"S": "text"}"#];
    for (path, member) in [
        ("/register", "user_id"),
        ("/register", "user_secret"),
        ("/register", "email"),
        ("/authenticate", "user_id"),
        ("/authenticate", "user_key"),
        ("/authenticate", "user_secret"),
        ("/refresh", "refresh_token"),
        ("/logout", "refresh_token"),
    ] {
        for value in values {
            let answer = post_json(&app, path, format!(r#"{{"{member}": {value}}}"#)).await;
            let answer = answer.problem(422, "validation_failed");
            let errors = answer.body()["errors"].clone();
            let named = errors.as_array().unwrap().iter().any(|e| e["field"] == member && e["code"] == "wrong_type");
            assert!(named, "{path} {member} {value}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_missing_member_is_named() {
    let app = App::start();
    for (path, body, missing) in [
        ("/register", "{}", &["user_id", "user_secret"][..]),
        ("/register", r#"{"user_id": null, "user_secret": null}"#, &["user_id", "user_secret"]),
        ("/authenticate", "{}", &["user_id", "user_secret"]),
        ("/authenticate", r#"{"user_key": "x"}"#, &["user_secret"]),
        ("/refresh", "{}", &["refresh_token"]),
        ("/refresh", "", &["refresh_token"]),
    ] {
        let answer = post_json(&app, path, body).await.problem(422, "validation_failed");
        let errors = answer.body()["errors"].clone();
        for field in missing {
            let named = errors.as_array().unwrap().iter().any(|e| e["field"] == *field && e["code"] == "required");
            assert!(named, "{path} {body} {field}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn an_empty_body_is_no_json_and_signs_nobody_out() {
    let app = App::start();
    post_json(&app, "/register", "").await.problem(400, "malformed_json");
    post_json(&app, "/authenticate", "").await.problem(400, "malformed_json");
    post_json(&app, "/logout", "").await.problem(401, "invalid_token");
}

#[tokio::test]
async fn a_delete_may_have_a_body_and_it_is_read_as_strictly() {
    let app = App::start();
    let too_large = "x".repeat(64 * 1024 + 1);
    for (content_type, body, status, code) in [
        ("application/json", "{", 400, "malformed_json"),
        ("application/json", r#"{"refresh_token": 7}"#, 422, "validation_failed"),
        ("application/json", &too_large, 413, "body_too_large"),
        ("text/plain", r#"{"refresh_token": "x"}"#, 415, "unsupported_media_type"),
    ] {
        let request = app.request("DELETE", "/logout").header("api-key", app.service().publishable_key);
        app.send(request.header("content-type", content_type).body(body.to_owned())).await.problem(status, code);
    }
}

#[tokio::test]
async fn a_cookie_is_no_reason_to_measure_a_body_that_nobody_reads() {
    let app = App::start();
    let request = app.request("GET", "/whoami").header("cookie", "access_token=spoiled");
    app.send(request.body("x".repeat(64 * 1024 + 1))).await.problem(401, "invalid_token");
}

#[tokio::test]
async fn only_json_is_taken_for_json() {
    let app = App::start();
    let body = json!({"user_id": "ada", "user_secret": PASSWORD, "refresh_token": "x"}).to_string();
    for path in JSON {
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json", "*/*", ""]
        {
            post(&app, path, content_type, body.clone()).await.problem(415, "unsupported_media_type");
        }
        post(&app, path, "application/x-www-form-urlencoded", "user_id=ada&user_secret=x")
            .await
            .problem(415, "unsupported_media_type");
        post(&app, path, "multipart/form-data; boundary=x", "--x--").await.problem(415, "unsupported_media_type");
    }
    for content_type in ["application/json; charset=utf-8", "APPLICATION/JSON", " application/json ;x=y"] {
        post(&app, "/authenticate", content_type, body.clone()).await.problem(401, "invalid_credentials");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_read() {
    let app = App::start();
    let padded = |length: usize| format!(r#"{{"refresh_token": "{}"}}"#, "x".repeat(length - 21));
    for path in JSON {
        post_json(&app, path, padded(64 * 1024 + 1)).await.problem(413, "body_too_large");
        post_json(&app, path, padded(1024 * 1024)).await.problem(413, "body_too_large");
    }
    assert_ne!(post_json(&app, "/refresh", padded(64 * 1024)).await.status, 413);
    let key = app.service().publishable_key;
    for path in ["/api/v1/auth/register", "/api/v1/auth/refresh"] {
        let headers = [("api-key", key.as_str()), ("content-type", "application/json")];
        app.send_raw("POST", path, &headers, &vec![b'x'; 10 * 1024 * 1024 + 1]).await.status(413);
    }
}
