//! Tests of [`super`], in a file of their own to keep both readable.

use super::*;
use hyper::Request;
use hyper::http::request::Builder;
use std::time::{Duration, UNIX_EPOCH};

fn with_call<T>(request: Builder, body: &[u8], check: impl FnOnce(Call) -> T) -> T {
    let (request, ()) = request.body(()).unwrap().into_parts();
    check(Call {
        request: &request,
        body: Bytes::copy_from_slice(body),
        peer: "127.0.0.1:50000".parse().unwrap(),
        gateway_port: 9000,
        api_id: "local",
        route_key: "DELETE /sessions/{id}",
        path_parameters: BTreeMap::from([("id".to_owned(), "a b".to_owned())]),
        request_id: "id=".to_owned(),
        trace: Trace::of(&request.headers, UNIX_EPOCH),
        received: UNIX_EPOCH + Duration::from_millis(1_583_348_638_390),
    })
}

fn event(request: Builder, body: &[u8]) -> Value {
    with_call(request, body, |call| call.for_integration(None))
}

#[test]
fn a_request_is_described_as_payload_2_0() {
    let request = Request::delete("/sessions/a%20b?x=1&y=%C3%A9&x=2&empty")
        .header("Host", "127.0.0.1:9000")
        .header("User-Agent", "curl/8")
        .header("Api-Key", "one")
        .header("api-key", "two")
        .header("Cookie", "a=1; b=2")
        .header("Cookie", "c=3;")
        .header("X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1")
        .header("X-Forwarded-For", "10.0.0.1")
        .header("Connection", "keep-alive")
        .header("Content-Type", "application/json; charset=utf-8");
    assert_eq!(
        event(request, br#"{"a":1}"#),
        json!({
            "version": "2.0",
            "routeKey": "DELETE /sessions/{id}",
            "rawPath": "/sessions/a b",
            "rawQueryString": "x=1&y=%C3%A9&x=2&empty",
            "cookies": ["a=1", "b=2", "c=3"],
            "headers": {
                "api-key": "one,two",
                "content-length": "7",
                "content-type": "application/json; charset=utf-8",
                "host": "127.0.0.1:9000",
                "user-agent": "curl/8",
                "x-amzn-trace-id": "Root=1-5759e988-bd862e3fe1be46a994272793",
                "x-forwarded-for": "10.0.0.1, 127.0.0.1",
                "x-forwarded-port": "9000",
                "x-forwarded-proto": "http",
            },
            "queryStringParameters": {"empty": "", "x": "1,2", "y": "é"},
            "pathParameters": {"id": "a b"},
            "requestContext": {
                "accountId": "000000000000",
                "apiId": "local",
                "domainName": "127.0.0.1",
                "domainPrefix": "127",
                "http": {
                    "method": "DELETE",
                    "path": "/sessions/a b",
                    "protocol": "HTTP/1.1",
                    "sourceIp": "127.0.0.1",
                    "userAgent": "curl/8",
                },
                "requestId": "id=",
                "routeKey": "DELETE /sessions/{id}",
                "stage": "$default",
                "time": "04/Mar/2020:19:03:58 +0000",
                "timeEpoch": 1_583_348_638_390_u64,
            },
            "body": r#"{"a":1}"#,
            "isBase64Encoded": false,
        })
    );
}

#[test]
fn a_body_is_text_only_where_api_gateway_says_so() {
    let cases: [(&str, &[u8], &str, bool); 8] = [
        ("application/json", b"{}", "{}", false),
        ("Text/Plain", b"hi", "hi", false),
        ("application/xml", b"<a/>", "<a/>", false),
        ("application/x-www-form-urlencoded", b"a=1", "YT0x", true),
        ("application/problem+json", b"{}", "e30=", true),
        ("application/octet-stream", b"\x00\xff", "AP8=", true),
        ("application/json", b"\xff", "/w==", true),
        ("", b"a", "YQ==", true),
    ];
    for (content_type, body, expected, base64) in cases {
        let event = event(Request::post("/").header("content-type", content_type), body);
        assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!(expected), &json!(base64)), "{content_type}");
    }
}

#[test]
fn no_body_gets_a_type_when_its_length_is_given() {
    let content_type = |request: Builder, body: &[u8]| event(request, body)["headers"]["content-type"].clone();
    let empty = || Request::post("/").header("Content-Length", "0");
    assert_eq!(content_type(empty(), b""), "application/octet-stream");
    assert_eq!(content_type(empty().header("Content-Type", "application/json"), b""), "application/json");
    assert_eq!(content_type(Request::get("/"), b""), Value::Null);
    assert_eq!(content_type(Request::post("/").header("Content-Length", "1"), b"a"), Value::Null);
}

#[test]
fn what_a_request_does_not_have_is_absent() {
    let event = with_call(Request::get("/"), b"", |call| {
        Call { path_parameters: BTreeMap::new(), ..call }.for_integration(None)
    });
    for name in ["body", "cookies", "queryStringParameters", "pathParameters", "stageVariables"] {
        assert!(event.get(name).is_none(), "{name}");
    }
    assert_eq!(event["rawQueryString"], "");
    assert_eq!(event["isBase64Encoded"], false);
    assert!(event["requestContext"].get("authorizer").is_none());
}

#[test]
fn an_authorizers_context_reaches_the_function() {
    let context = json!({"lambda": {"user_key": "u", "anonymous": false}});
    let event = with_call(Request::get("/"), b"", |call| call.for_integration(Some(context.clone())));
    assert_eq!(event["requestContext"]["authorizer"], context);
}

#[test]
fn an_authorizer_sees_the_request_without_its_body() {
    let event = with_call(Request::post("/pets/1"), b"secret", |call| {
        call.for_authorizer("eu-west-1", &["Bearer x".to_owned()])
    });
    assert_eq!(event["type"], "REQUEST");
    assert_eq!(event["routeArn"], "arn:aws:execute-api:eu-west-1:000000000000:local/$default/POST/pets/1");
    assert_eq!(event["identitySource"], json!(["Bearer x"]));
    assert!(event.get("body").is_none() && event.get("isBase64Encoded").is_none());
}
