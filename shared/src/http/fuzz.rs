//! Fuzz targets for what arrives at the edge: events, headers, bodies. None may make a function fail, and what is read must
//! be what was sent, for every reader alike.

use std::collections::BTreeSet;

use base64::{Engine, engine::general_purpose::STANDARD};
use bolero::TypeGenerator;
use lambda_http::{
    Body,
    http::{HeaderMap, HeaderValue, header},
    lambda_runtime::Context,
    request::LambdaRequest,
};
use serde_json::{Map, Value, json};

use super::{
    AccessToken, AuthorizerRequest, Cookies, Headers, Request, basic_credentials, presented_refresh_token,
    request::without_address,
};
use crate::{
    fuzz::{Damage, ITERATIONS},
    problem::Problem,
};

const EVENT: &str = include_str!("../../../events/refresh.json");
const AUTHORIZER_EVENT: &str = include_str!("../../../events/authorizer.json");
const COOKIES: Cookies = Cookies::new(false);

/// A request with a body of a type.
fn request(content_type: &str, body: impl Into<Body>) -> Request {
    with_headers(&[(header::CONTENT_TYPE, content_type)], body).unwrap()
}

/// A request with headers, unless one can't have its value.
fn with_headers(headers: &[(header::HeaderName, &str)], body: impl Into<Body>) -> Option<Request> {
    let mut request = lambda_http::Request::new(body.into());
    for (name, value) in headers {
        request.headers_mut().append(name, HeaderValue::from_str(value).ok()?);
    }
    Some(request.into())
}

/// Refusals are the caller's to mend: nothing that they send is our fault.
fn refused<T>(read: Result<T, Problem>) -> Option<T> {
    read.map_err(|problem| assert!((400..500).contains(&problem.entry().status), "{problem:?}")).ok()
}

/// What becomes of an event, if it is one.
fn decode_and_read(event: &str) {
    if let Ok(event) = serde_json::from_str::<LambdaRequest>(event) {
        read(&Request::from(lambda_http::Request::from(without_address(event))));
    }
}

/// Reads everything that handlers read of a request.
fn read(request: &Request) {
    refused(request.api_key());
    refused(request.body());
    refused(request.json());
    refused(request.token_parameter());
    refused(presented_refresh_token(request, COOKIES));
    refused(AccessToken::in_headers(request.headers(), COOKIES));
    refused(basic_credentials(request));
    let devices = COOKIES.devices(request.headers());
    assert!(devices.iter().all(|value| !value.contains(';')));
    let _ = (request.query_parameter("keep_current"), request.path_parameter("session_id"), request.source_ip());
    let described = format!("{:?}", request.device());
    assert!(described.len() < 8 * 1024, "what is stored of a sender is bounded");
    let line = serde_json::to_string(&request.note()).unwrap();
    assert!(!line.contains(['\n', '\r']), "{line}");
}

#[test]
fn any_event_is_a_request_or_none() {
    bolero::check!().with_iterations(ITERATIONS).with_type::<(Damage, Damage, Vec<u8>)>().for_each(
        |(damage, more, bytes)| {
            for event in [damage.to(EVENT.as_bytes()), more.to(&damage.to(EVENT.as_bytes())), bytes.clone()] {
                // Lambda's runtime interface hands over text.
                let event = String::from_utf8_lossy(&event);
                decode_and_read(&event);
            }
        },
    );
}

/// One member of an event, at any depth, is anything.
#[test]
fn an_event_with_any_member_of_any_kind_is_a_request_or_none() {
    let event: Value = serde_json::from_str(EVENT).unwrap();
    let pointers = pointers(&event);
    bolero::check!().with_iterations(ITERATIONS).with_type::<(u8, Json)>().for_each(|(which, member)| {
        let mut event = event.clone();
        *event.pointer_mut(&pointers[usize::from(*which) % pointers.len()]).unwrap() = member.value();
        decode_and_read(&event.to_string());
    });
}

#[test]
fn any_event_of_the_authorizer_is_a_request_or_none() {
    let event: Value = serde_json::from_str(AUTHORIZER_EVENT).unwrap();
    let pointers = pointers(&event);
    bolero::check!().with_iterations(ITERATIONS).with_type::<(u8, Json, Damage)>().for_each(
        |(which, member, damage)| {
            let mut changed = event.clone();
            *changed.pointer_mut(&pointers[usize::from(*which) % pointers.len()]).unwrap() = member.value();
            for event in [changed.to_string(), damage.to_text(AUTHORIZER_EVENT)] {
                let Ok(request) = serde_json::from_str::<AuthorizerRequest>(&event) else { continue };
                refused(request.access_token(COOKIES));
                assert!(!serde_json::to_string(&request.note(&Context::default())).unwrap().contains('\n'));
            }
        },
    );
}

fn pointers(value: &Value) -> Vec<String> {
    let below = |name: &str, value: &Value| {
        let name = name.replace('~', "~0").replace('/', "~1");
        pointers(value).into_iter().map(move |rest| format!("/{name}{rest}")).collect::<Vec<_>>()
    };
    let members: Vec<_> = match value {
        Value::Object(members) => members.iter().flat_map(|(name, value)| below(name, value)).collect(),
        Value::Array(items) => items.iter().enumerate().flat_map(|(at, value)| below(&at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    [String::new()].into_iter().chain(members).collect()
}

/// JSON of any shape, with names that are likely to be there twice.
#[derive(Debug, TypeGenerator)]
enum Json {
    Null,
    Flag(bool),
    Number(i64),
    Text(String),
    Array(Vec<String>),
    Object(Vec<(u8, String)>),
    Nested(u8, bool),
}

impl Json {
    /// As text, repeated names included.
    fn text(&self) -> String {
        match self {
            Self::Object(members) => {
                let members = members.iter().map(|(name, text)| format!("\"n{}\":{}", name % 8, json!(text)));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
            Self::Nested(depth, false) => {
                format!("{}{}", "[".repeat((*depth).into()), "]".repeat((*depth).into()))
            }
            Self::Nested(depth, true) => {
                format!("{}1{}", "{\"x\":".repeat((*depth).into()), "}".repeat((*depth).into()))
            }
            _ => self.value().to_string(),
        }
    }

    fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Flag(flag) => json!(flag),
            Self::Number(number) => json!(number),
            Self::Text(text) => json!(text),
            Self::Array(items) => json!(items),
            Self::Object(members) => {
                members.iter().map(|(name, text)| (format!("n{name}"), json!(text))).collect::<Map<_, _>>().into()
            }
            Self::Nested(..) => json!([[{"x": [1]}]]),
        }
    }
}

/// What we accept, any reader takes for the same; and of what another reader takes, we refuse only what is ambiguous.
#[test]
fn a_json_body_is_read_as_others_read_it() {
    bolero::check!().with_iterations(ITERATIONS).with_type::<(Vec<(u8, Json)>, Damage, bool)>().for_each(
        |(members, damage, is_damaged)| {
            let pairs: Vec<_> =
                members.iter().map(|(name, value)| format!("\"m{}\": {}", name % 16, value.text())).collect();
            let written = format!("{{{}}}", pairs.join(", "));
            let body = if *is_damaged { damage.to_text(&written) } else { written };
            let ours = refused(request("application/json", body.clone()).json());
            let names: BTreeSet<_> = members.iter().map(|(name, _)| name % 16).collect();
            assert!(*is_damaged || ours.is_none() || names.len() == members.len(), "a name is there twice: {body}");
            let theirs = serde_json::from_str::<Map<String, Value>>(&body).ok();
            if let Some(mut ours) = ours {
                let theirs = theirs.unwrap_or_else(|| panic!("no other reader takes {body}"));
                assert_eq!(ours.has("m0"), theirs.get("m0").is_some_and(|value| !value.is_null()), "{body}");
                assert_eq!(ours.optional("m1").as_deref(), theirs.get("m1").and_then(Value::as_str), "{body}");
            } else if let Some(theirs) = theirs {
                let again = Value::Object(theirs).to_string();
                let is_ambiguous =
                    again.contains("\\u0000") || refused(request("application/json", again).json()).is_some();
                assert!(is_ambiguous, "{body}");
            }
        },
    );
}

#[test]
fn a_form_body_gives_the_token_that_was_put_in() {
    const FORM: &str = "application/x-www-form-urlencoded";
    bolero::check!().with_iterations(ITERATIONS).with_type::<(String, Vec<(String, String)>, Vec<u8>)>().for_each(
        |(token, others, bytes)| {
            let others = || others.iter().filter(|(name, _)| name != "token");
            let form = |tokens: usize| {
                let pairs = std::iter::repeat_n(("token", token.as_str()), tokens);
                let others = others().map(|(name, value)| (name.as_str(), value.as_str()));
                form_urlencoded::Serializer::new(String::new()).extend_pairs(others.chain(pairs)).finish()
            };
            let read = |body: String| refused(request(FORM, body).token_parameter()).map(|form| form.token);
            assert_eq!([read(form(0)), read(form(1)), read(form(2))], [None, Some(token.clone()), None]);
            refused(request(FORM, bytes.clone()).token_parameter());
        },
    );
}

/// The header against a plain reading of RFC 6265 §5.4: pairs between semicolons.
#[test]
fn a_cookie_is_the_one_that_the_header_names() {
    const NAMES: [&str; 6] =
        ["access_token", "refresh_token", "device_token", "xaccess_token", "ACCESS_TOKEN", "theme"];
    const VALUES: [&str; 6] = ["", "a", "b", "\"a\"", "a=b", "\""];
    const GAPS: [&str; 4] = ["; ", ";", " ;  ", ";;"];
    bolero::check!().with_iterations(ITERATIONS).with_type::<(Vec<(u8, u8, u8)>, String)>().for_each(
        |(pairs, text)| {
            let of = |list: &[&'static str], at: u8| list[usize::from(at) % list.len()];
            let pair =
                |(name, value, gap): &(u8, u8, u8)| [of(&NAMES, *name), "=", of(&VALUES, *value), of(&GAPS, *gap)];
            let line: String = pairs.iter().flat_map(pair).collect();
            let values: BTreeSet<_> = pairs
                .iter()
                .filter(|(name, ..)| of(&NAMES, *name) == "refresh_token")
                .map(|(_, value, _)| if of(&VALUES, *value) == "\"a\"" { "a" } else { of(&VALUES, *value) })
                .collect();
            let expected = match values.len() {
                0 => Some(None),
                1 => Some(values.first().filter(|value| !value.is_empty()).map(|value| (*value).to_owned())),
                _ => None,
            };
            let headers =
                |line: &str| Some(HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(line).ok()?)]));
            assert_eq!(refused(COOKIES.refresh(Headers(&headers(&line).unwrap()))), expected, "{line}");

            let Some(headers) = headers(text) else { return };
            let found = refused(COOKIES.access(Headers(&headers))).flatten();
            assert!(found.is_none_or(|value| text.contains(&value)), "{text}");
        },
    );
}

#[test]
fn an_authorization_header_gives_the_token_that_stands_in_it() {
    bolero::check!().with_iterations(ITERATIONS).with_type::<(Damage, String, bool)>().for_each(
        |(damage, text, is_text)| {
            let value = if *is_text { format!("Bearer {text}") } else { damage.to_text("Bearer eyJh.eyJz-_.c2ln") };
            let presented = |value: &str| {
                let request = with_headers(&[(header::AUTHORIZATION, value)], "")?;
                let token = refused(AccessToken::in_headers(request.headers(), COOKIES))??;
                Some(token.expose().to_owned())
            };
            let Some(token) = presented(&value) else { return };
            let is_ours = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
            assert!(!token.is_empty() && token.bytes().all(is_ours), "{value:?}");
            assert!(
                value.trim().to_ascii_lowercase().starts_with("bearer ") && value.trim().ends_with(&token),
                "{value:?}"
            );
            assert_eq!(presented(&format!("Bearer {token}")), Some(token));
        },
    );
}

#[test]
fn basic_credentials_are_those_that_were_put_in() {
    bolero::check!().with_iterations(ITERATIONS).with_type::<(String, String, Damage)>().for_each(
        |(name, secret, damage)| {
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let value = format!("Basic {}", STANDARD.encode(format!("{}:{}", encode(name), encode(secret))));
            let read = |value: &str| {
                let request = with_headers(&[(header::AUTHORIZATION, value)], "")?;
                let (name, secret) = refused(basic_credentials(&request))??;
                Some((name, secret.into_exposed()))
            };
            assert_eq!(read(&value), Some((name.clone(), secret.clone())));
            read(&damage.to_text(&value));
        },
    );
}

/// Repeated headers are one with commas, as API Gateway makes them, so no second value hides behind the first.
#[test]
fn a_header_that_is_there_twice_is_seen_twice() {
    bolero::check!().with_iterations(ITERATIONS).with_type::<(u32, u32)>().for_each(|(one, other)| {
        let (one, other) = (one.to_string(), other.to_string());
        let name = || header::HeaderName::from_static("api-key");
        let request = with_headers(&[(name(), &one), (name(), &other)], "").unwrap();
        assert_eq!(refused(request.api_key()), Some(Some(format!("{one},{other}"))));
    });
}
