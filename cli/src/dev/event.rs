//! A request as API Gateway describes it to functions: HTTP API, payload format 2.0.
//!
//! Where AWS's documentation is silent, its behaviour as people have measured it: `rawPath` is percent-decoded (unlike that of a function
//! URL), and a body is text only for `text/*` and JSON, XML and JavaScript of the plain `application/…` names; a form is base64.

use super::clock::epoch_millis;
use super::host;
use super::names::ACCOUNT_ID;
use super::routes::decoded;
use super::trace::{self, Trace};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use hyper::header::{self, HeaderMap, HeaderName};
use hyper::http::request::Parts;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::SystemTime;

/// Headers that end at the gateway. Cookies travel in a field of their own.
const NOT_FORWARDED: [HeaderName; 9] = [
    header::CONNECTION,
    header::COOKIE,
    header::EXPECT,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What a request with `Content-Length: 0` and no `Content-Type` gets. AWS's “important notes for HTTP APIs” tell that a type is added, not
/// which. No endpoint reads this one, so a function that looks at the type of no body is found out.
const TYPE_OF_NOTHING: &str = "application/octet-stream";

/// A request that has found its route.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Parts,
    pub(crate) body: Bytes,
    pub(crate) peer: SocketAddr,
    pub(crate) gateway_port: u16,
    pub(crate) api_id: &'a str,
    pub(crate) route_key: &'a str,
    pub(crate) path_parameters: BTreeMap<String, String>,
    pub(crate) request_id: String,
    pub(crate) trace: Trace,
    pub(crate) received: SystemTime,
}

impl Call<'_> {
    /// The event for the function that a route leads to, with what its authorizer found out.
    pub(crate) fn for_integration(&self, authorizer: Option<Value>) -> Value {
        let mut event = self.common();
        if let Some(authorizer) = authorizer {
            event["requestContext"]["authorizer"] = authorizer;
        }
        let is_text = is_text(&self.request.headers);
        match std::str::from_utf8(&self.body) {
            Ok("") => event["isBase64Encoded"] = false.into(),
            Ok(text) if is_text => {
                event["body"] = text.into();
                event["isBase64Encoded"] = false.into();
            }
            _ => {
                event["body"] = BASE64_STANDARD.encode(&self.body).into();
                event["isBase64Encoded"] = true.into();
            }
        }
        event
    }

    /// The event for a Lambda authorizer, which never sees the body.
    pub(crate) fn for_authorizer(&self, region: &str, identity: &[String]) -> Value {
        let mut event = self.common();
        let method = &self.request.method;
        let path = decoded(self.request.uri.path());
        event["type"] = "REQUEST".into();
        event["routeArn"] =
            format!("arn:aws:execute-api:{region}:{ACCOUNT_ID}:{}/$default/{method}{path}", self.api_id).into();
        event["identitySource"] = if identity.is_empty() { Value::Null } else { json!(identity) };
        event
    }

    /// A header's values, joined as functions see them.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        joined(&self.request.headers, name)
    }

    /// A query parameter's values, joined as functions see them.
    pub(crate) fn query_parameter(&self, name: &str) -> Option<String> {
        query_parameters(self.request.uri.query().unwrap_or_default()).remove(name)
    }

    fn common(&self) -> Value {
        let query = self.request.uri.query().unwrap_or_default();
        let mut event = json!({
            "version": "2.0",
            "routeKey": self.route_key,
            "rawPath": decoded(self.request.uri.path()),
            "rawQueryString": query,
            "headers": self.headers(),
            "requestContext": self.context(),
        });
        let optional = [
            ("cookies", json!(cookies(&self.request.headers))),
            ("queryStringParameters", json!(query_parameters(query))),
            ("pathParameters", json!(self.path_parameters)),
        ];
        for (name, value) in optional {
            let is_empty = value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty);
            if !is_empty {
                event[name] = value;
            }
        }
        event
    }

    fn context(&self) -> Value {
        let domain = self.domain();
        json!({
            "accountId": ACCOUNT_ID,
            "apiId": self.api_id,
            "domainName": domain,
            "domainPrefix": domain.split('.').next(),
            "http": {
                "method": self.request.method.as_str(),
                "path": decoded(self.request.uri.path()),
                "protocol": format!("{:?}", self.request.version),
                "sourceIp": self.peer.ip().to_string(),
                "userAgent": self.header("user-agent").unwrap_or_default(),
            },
            "requestId": self.request_id,
            "routeKey": self.route_key,
            "stage": "$default",
            "time": common_log_time(self.received),
            "timeEpoch": epoch_millis(self.received),
        })
    }

    /// API Gateway listens on the standard port only, so a domain has none.
    fn domain(&self) -> String {
        host::name(&self.header("host").unwrap_or_default()).to_owned()
    }

    /// Lower-case names, duplicates joined by commas, and the headers that API Gateway adds.
    fn headers(&self) -> BTreeMap<String, String> {
        let names = self.request.headers.keys().filter(|name| !NOT_FORWARDED.contains(name));
        let mut headers: BTreeMap<_, _> = names
            .filter_map(|name| Some((name.as_str().to_owned(), joined(&self.request.headers, name.as_str())?)))
            .collect();
        let peer = self.peer.ip().to_string();
        let forwarded =
            headers.get("x-forwarded-for").map_or_else(|| peer.clone(), |before| format!("{before}, {peer}"));
        headers.insert(trace::HEADER.to_owned(), self.trace.root());
        headers.insert("x-forwarded-for".to_owned(), forwarded);
        headers.insert("x-forwarded-port".to_owned(), self.gateway_port.to_string());
        headers.insert("x-forwarded-proto".to_owned(), "http".to_owned());
        if self.body.is_empty() && headers.get("content-length").is_some_and(|length| length == "0") {
            headers.entry("content-type".to_owned()).or_insert_with(|| TYPE_OF_NOTHING.to_owned());
        }
        headers.insert("content-length".to_owned(), self.body.len().to_string());
        headers
    }
}

fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// Every cookie of every `Cookie` header, each as `name=value`.
fn cookies(headers: &HeaderMap) -> Vec<String> {
    let lines =
        headers.get_all(header::COOKIE).iter().map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned());
    let cookies = lines.flat_map(|line| line.split(';').map(|cookie| cookie.trim().to_owned()).collect::<Vec<_>>());
    cookies.filter(|cookie| !cookie.is_empty()).collect()
}

/// Decoded, duplicates joined by commas.
fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut parameters: BTreeMap<String, String> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")));
        let joined = parameters.get(&name).map_or_else(|| value.clone(), |before| format!("{before},{value}"));
        parameters.insert(name, joined);
    }
    parameters
}

fn is_text(headers: &HeaderMap) -> bool {
    let content_type = joined(headers, "content-type").unwrap_or_default().to_ascii_lowercase();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.starts_with("text/")
        || ["application/json", "application/xml", "application/javascript"].contains(&media_type)
}

/// `12/Mar/2020:19:03:58 +0000`, the Common Log Format, from the date format that HTTP has: `Thu, 12 Mar 2020 19:03:58 GMT`.
fn common_log_time(time: SystemTime) -> String {
    let date = httpdate::fmt_http_date(time);
    let mut fields = date.split(' ').skip(1);
    let mut next = || fields.next().unwrap_or_default();
    format!("{}/{}/{}:{} +0000", next(), next(), next(), next())
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
