//! A function's answer as an HTTP response: HTTP API, payload format 2.0.

use super::server::{self, Answer};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Map, Value};

/// Headers that are the gateway's to set.
const NOT_FORWARDED: [HeaderName; 6] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::DATE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// An answer that API Gateway would not understand; the caller gets a 500.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum MalformedAnswer {
    #[error("the answer is not JSON")]
    Json,
    #[error("`{0}` is not what payload format 2.0 allows")]
    Field(&'static str),
}

/// Turns a function's answer into a response.
///
/// Without a `statusCode`, the whole answer is the body of a 200. `multiValueHeaders` belongs to payload format 1.0 and is ignored.
pub(crate) fn from_function(payload: &[u8]) -> Result<Answer, MalformedAnswer> {
    match serde_json::from_slice(payload).map_err(|_| MalformedAnswer::Json)? {
        Value::Object(answer) if answer.contains_key("statusCode") => structured(&answer),
        Value::String(text) => Ok(server::json(StatusCode::OK, text)),
        other => Ok(server::json(StatusCode::OK, other.to_string())),
    }
}

/// What the gateway says by itself: `{"message": …}`.
pub(crate) fn message(status: StatusCode, message: &str) -> Answer {
    server::json(status, serde_json::json!({ "message": message }).to_string())
}

fn structured(answer: &Map<String, Value>) -> Result<Answer, MalformedAnswer> {
    let body = body(answer)?;
    let has_body = !body.is_empty();
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status(&answer["statusCode"])?;
    add_headers(answer.get("headers"), &mut response)?;
    add_cookies(answer.get("cookies"), &mut response)?;
    if has_body && !response.headers().contains_key(header::CONTENT_TYPE) {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain;charset=UTF-8"));
    }
    Ok(response)
}

fn status(value: &Value) -> Result<StatusCode, MalformedAnswer> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok()).and_then(|number| u16::try_from(number).ok());
    let status =
        number.filter(|number| (200..600).contains(number)).and_then(|number| StatusCode::from_u16(number).ok());
    status.ok_or(MalformedAnswer::Field("statusCode"))
}

fn body(answer: &Map<String, Value>) -> Result<Bytes, MalformedAnswer> {
    let is_base64 = match answer.get("isBase64Encoded") {
        None | Some(Value::Null) => false,
        Some(value) => value.as_bool().ok_or(MalformedAnswer::Field("isBase64Encoded"))?,
    };
    match answer.get("body") {
        None | Some(Value::Null) => Ok(Bytes::new()),
        Some(Value::String(text)) if is_base64 => {
            BASE64_STANDARD.decode(text).map(Bytes::from).map_err(|_| MalformedAnswer::Field("body"))
        }
        Some(Value::String(text)) => Ok(Bytes::copy_from_slice(text.as_bytes())),
        Some(_) => Err(MalformedAnswer::Field("body")),
    }
}

fn add_headers(headers: Option<&Value>, response: &mut Answer) -> Result<(), MalformedAnswer> {
    let malformed = || MalformedAnswer::Field("headers");
    let headers = match headers {
        None | Some(Value::Null) => return Ok(()),
        Some(headers) => headers.as_object().ok_or_else(malformed)?,
    };
    for (name, value) in headers {
        let name: HeaderName = name.parse().map_err(|_| malformed())?;
        let value = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return Err(malformed()),
        };
        if !NOT_FORWARDED.contains(&name) {
            response.headers_mut().append(name, HeaderValue::from_str(&value).map_err(|_| malformed())?);
        }
    }
    Ok(())
}

fn add_cookies(cookies: Option<&Value>, response: &mut Answer) -> Result<(), MalformedAnswer> {
    let malformed = || MalformedAnswer::Field("cookies");
    let cookies = match cookies {
        None | Some(Value::Null) => return Ok(()),
        Some(cookies) => cookies.as_array().ok_or_else(malformed)?,
    };
    for cookie in cookies {
        let value = cookie.as_str().and_then(|cookie| HeaderValue::from_str(cookie).ok()).ok_or_else(malformed)?;
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use serde_json::json;

    async fn body_of(answer: Answer) -> Bytes {
        answer.into_body().collect().await.unwrap().to_bytes()
    }

    #[tokio::test]
    async fn every_field_arrives() {
        let answer = json!({
            "statusCode": 201,
            "headers": {"Content-Type": "application/json", "X-Number": 5, "Content-Length": "999"},
            "multiValueHeaders": {"x-many": ["a", "b"]},
            "cookies": ["a=1; HttpOnly", "b=2"],
            "body": "{}",
        });
        let answer = from_function(answer.to_string().as_bytes()).unwrap();
        assert_eq!(answer.status(), 201);
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.headers()["x-number"], "5");
        assert!(!answer.headers().contains_key("content-length") && !answer.headers().contains_key("x-many"));
        let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1; HttpOnly", "b=2"]);
        assert_eq!(body_of(answer).await, "{}");
    }

    #[tokio::test]
    async fn a_base64_body_is_decoded() {
        let answer = from_function(br#"{"statusCode":200,"body":"AP8=","isBase64Encoded":true}"#).unwrap();
        assert_eq!(answer.headers()["content-type"], "text/plain;charset=UTF-8");
        assert_eq!(body_of(answer).await, &b"\x00\xff"[..]);
    }

    #[tokio::test]
    async fn without_a_status_the_answer_is_the_body() {
        for (payload, expected) in
            [(&br#"{"a": 1}"#[..], r#"{"a":1}"#), (br#""text""#, "text"), (b"[1,2]", "[1,2]"), (b"null", "null")]
        {
            let answer = from_function(payload).unwrap();
            assert_eq!(
                (answer.status().as_u16(), &answer.headers()["content-type"]),
                (200, &HeaderValue::from_static("application/json"))
            );
            assert_eq!(body_of(answer).await, expected);
        }
    }

    #[test]
    fn what_api_gateway_would_not_understand_is_malformed() {
        let malformed = |payload: &str| from_function(payload.as_bytes()).map(|_| ()).unwrap_err();
        assert_eq!(malformed("not json"), MalformedAnswer::Json);
        assert_eq!(malformed(r#"{"statusCode": "abc"}"#), MalformedAnswer::Field("statusCode"));
        assert_eq!(malformed(r#"{"statusCode": 100}"#), MalformedAnswer::Field("statusCode"));
        assert_eq!(malformed(r#"{"statusCode": 200, "body": {}}"#), MalformedAnswer::Field("body"));
        assert_eq!(
            malformed(r#"{"statusCode": 200, "body": "%", "isBase64Encoded": true}"#),
            MalformedAnswer::Field("body")
        );
        assert_eq!(malformed(r#"{"statusCode": 200, "headers": {"a b": "c"}}"#), MalformedAnswer::Field("headers"));
        assert_eq!(malformed(r#"{"statusCode": 200, "headers": {"a": ["c"]}}"#), MalformedAnswer::Field("headers"));
        assert_eq!(malformed(r#"{"statusCode": 200, "cookies": "a=1"}"#), MalformedAnswer::Field("cookies"));
    }
}
