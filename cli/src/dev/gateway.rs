//! The HTTP API itself: limits, CORS, routing, authorizers, integrations, in API Gateway's order and with its own words.

use super::authorizer::Decision;
use super::clock;
use super::cors::Cors;
use super::event::Call;
use super::host;
use super::invoke_api::InvokeApi;
use super::link::{Admission, Api, Target};
use super::pages::Pages;
use super::queue::Outcome;
use super::response::{self, message};
use super::routes::Routes;
use super::server::{Answer, Handler};
use super::trace::Trace;
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use hyper::{Request, StatusCode, header};
use serde_json::{Map, Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// API Gateway's quota for “request line and header values”. Names are counted here too, so that what passes here passes there.
const MAX_HEAD_BYTES: usize = 10_240;
/// API Gateway's quota for a payload.
const MAX_BODY_BYTES: usize = 10 * 1024 * 1024;
/// Lambda's quota for an event, which a body in base64 reaches sooner.
const MAX_EVENT_BYTES: usize = 6 * 1024 * 1024;
/// How long a client may take to send its body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// All HTTP APIs on one loopback port.
pub(crate) struct Gateway {
    pub(crate) port: u16,
    /// What no route names belongs to the first.
    pub(crate) apis: Vec<Arc<Api>>,
    pub(crate) routes: Routes<Target>,
    pub(crate) invoke_api: InvokeApi,
    /// What stands beside the APIs, where no route is.
    pub(crate) pages: Option<Pages>,
}

impl Handler for Gateway {
    async fn handle(&self, request: Request<Incoming>, peer: SocketAddr) -> Answer {
        let (request, body) = request.into_parts();
        if let Some(function) =
            InvokeApi::function_of(request.uri.path()).filter(|_| host::is_addressed(&request.headers))
        {
            return match read(body).await {
                Ok(event) => self.invoke_api.invoke(&request, function, event).await,
                Err(refusal) => refusal.into(),
            };
        }
        if let Some(page) = self.page(&request).await {
            return page;
        }
        let cors = self.cors(request.uri.path());
        if let Some(answer) = cors.and_then(|cors| cors.preflight(&request)) {
            return answer;
        }
        let request_id = uuid::Uuid::new_v4().to_string();
        let answer = self.serve(&request, body, peer, &request_id).await;
        let mut answer = answer.unwrap_or_else(Answer::from);
        if let Some(cors) = cors {
            cors.apply(request.headers.get(header::ORIGIN), answer.headers_mut());
        }
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            answer.headers_mut().insert("apigw-requestid", value);
        }
        answer
    }
}

impl Gateway {
    /// What the API allows that a path belongs to.
    fn cors(&self, path: &str) -> Option<&Cors> {
        let api = self.routes.at(path).map(|target| &target.api).or(self.apis.first())?;
        api.cors.as_ref()
    }

    /// The page that was asked for, unless a route of an API is there.
    async fn page(&self, request: &Parts) -> Option<Answer> {
        let pages = self.pages.as_ref().filter(|_| host::is_addressed(&request.headers))?;
        let (method, path) = (&request.method, request.uri.path());
        if self.routes.find(method.as_str(), path).is_some() {
            return None;
        }
        pages.answer(method, path).await
    }

    /// The function's answer, or the gateway's own.
    async fn serve(
        &self,
        request: &Parts,
        body: Incoming,
        peer: SocketAddr,
        request_id: &str,
    ) -> Result<Answer, Refusal> {
        if !host::is_addressed(&request.headers) {
            return Err(Refusal::Forbidden);
        }
        if head_bytes(request) > MAX_HEAD_BYTES {
            return Err(Refusal::HeadTooLarge);
        }
        let found = self.routes.find(request.method.as_str(), request.uri.path()).ok_or(Refusal::NotFound)?;
        let received = clock::now();
        let trace = Trace::of(&request.headers, received);
        let call = Call {
            request,
            body: read(body).await?,
            peer,
            gateway_port: self.port,
            api_id: &found.target.api.id,
            route_key: found.key.as_str(),
            path_parameters: found.parameters,
            request_id: request_id.to_owned(),
            trace,
            received,
        };
        let context = match &found.target.authorizer {
            None => None,
            Some(Admission::Lambda(authorizer)) => Some(json!({"lambda": admitted(authorizer.decide(&call).await)?})),
            Some(Admission::Jwt(authorizer, scopes)) => {
                Some(json!({"jwt": admitted(authorizer.decide(&call, scopes).await)?}))
            }
        };
        let event = Bytes::from(call.for_integration(context).to_string());
        if event.len() > MAX_EVENT_BYTES {
            return Err(Refusal::BodyTooLarge);
        }
        integrate(found.target, event, &call.trace).await
    }
}

/// What the gateway says by itself, as API Gateway says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    BadRequest,
    Unauthorized,
    /// RFC 6750 §3.1, which the native JWT authorizer follows.
    InvalidToken,
    Forbidden,
    NotFound,
    BodyTooSlow,
    BodyTooLarge,
    HeadTooLarge,
    /// The function or the authorizer failed.
    Failure,
    /// The integration took too long.
    Timeout,
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let (status, text) = match refusal {
            Refusal::BadRequest => (StatusCode::BAD_REQUEST, "Bad Request"),
            Refusal::Unauthorized | Refusal::InvalidToken => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            Refusal::Forbidden => (StatusCode::FORBIDDEN, "Forbidden"),
            Refusal::NotFound => (StatusCode::NOT_FOUND, "Not Found"),
            Refusal::BodyTooSlow => (StatusCode::REQUEST_TIMEOUT, "Request Timeout"),
            Refusal::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Refusal::HeadTooLarge => (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large"),
            Refusal::Failure => (StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error"),
            Refusal::Timeout => (StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        };
        let mut answer = message(status, text);
        if refusal == Refusal::InvalidToken {
            let challenge = HeaderValue::from_static(r#"Bearer error="invalid_token""#);
            answer.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        answer
    }
}

/// The context of a request that its authorizer lets pass.
fn admitted(decision: Decision) -> Result<Map<String, Value>, Refusal> {
    match decision {
        Decision::Allow(context) => Ok(context),
        Decision::Deny => Err(Refusal::Forbidden),
        Decision::Unidentified => Err(Refusal::Unauthorized),
        Decision::Invalid => Err(Refusal::InvalidToken),
        Decision::Broken => Err(Refusal::Failure),
    }
}

async fn integrate(target: &Target, event: Bytes, trace: &Trace) -> Result<Answer, Refusal> {
    let pool = &target.pool;
    match timeout(target.timeout, pool.invoke(event, trace)).await {
        Ok(Outcome::Answered(payload)) => response::from_function(&payload).map_err(|error| {
            pool.launch.log.line(&pool.function().label, &error.to_string());
            Refusal::Failure
        }),
        Ok(Outcome::Failed(_) | Outcome::Died | Outcome::TimedOut) => Err(Refusal::Failure),
        Err(_) => Err(Refusal::Timeout),
    }
}

/// The size of the request line and the headers as they came over the wire.
fn head_bytes(request: &Parts) -> usize {
    let target = request.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let line = request.method.as_str().len() + target + " ".len() * 2 + "HTTP/1.1\r\n".len();
    let headers = request.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len());
    line + headers.sum::<usize>()
}

async fn read(body: Incoming) -> Result<Bytes, Refusal> {
    if body.size_hint().lower() > MAX_BODY_BYTES as u64 {
        return Err(Refusal::BodyTooLarge);
    }
    match timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY_BYTES).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Refusal::BodyTooLarge),
        Ok(Err(_)) => Err(Refusal::BadRequest),
        Err(_) => Err(Refusal::BodyTooSlow),
    }
}

#[cfg(test)]
#[path = "gateway_tests.rs"]
mod tests;
