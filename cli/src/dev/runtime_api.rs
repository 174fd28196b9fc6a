//! The Lambda Runtime API, by which every function gets its events, as documented under “Building a custom runtime”.
//!
//! One listener serves all instances: each is told an address that ends with its function and its own id, as
//! `http://127.0.0.1:PORT/FUNCTION/INSTANCE`, which the Rust runtime client puts in front of the documented paths.

use super::clock;
use super::pool::Pool;
use super::queue::{InstanceId, Outcome, Work};
use super::server::{self, Answer, Handler};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// What Lambda takes as an answer: 6 MB and a little for the envelope.
const MAX_RESPONSE_BYTES: usize = 6 * 1024 * 1024 + 100;

/// The functions by name.
pub(crate) struct RuntimeApi(BTreeMap<String, Arc<Pool>>);

impl Handler for RuntimeApi {
    async fn handle(&self, request: Request<Incoming>, _: SocketAddr) -> Answer {
        let path = request.uri().path().to_owned();
        let Some((pool, id, call)) = self.caller(&path) else {
            return refuse(StatusCode::FORBIDDEN, "UnknownInstance");
        };
        match (request.method(), call.split('/').collect::<Vec<_>>().as_slice()) {
            (&Method::GET, ["invocation", "next"]) => next(pool, id).await,
            (&Method::POST, ["invocation", request_id, "response"]) => respond(pool, id, request_id, request).await,
            (&Method::POST, ["invocation", request_id, "error"]) => fail(pool, id, request_id, request).await,
            // What went wrong is in the instance's output too, and the instance is about to exit.
            (&Method::POST, ["init", "error"]) => accepted(),
            _ => refuse(StatusCode::NOT_FOUND, "UnknownOperation"),
        }
    }
}

impl RuntimeApi {
    /// The Runtime API of these functions.
    pub(crate) fn new(pools: &[Arc<Pool>]) -> Self {
        Self(pools.iter().map(|pool| (pool.function().name.clone(), Arc::clone(pool))).collect())
    }

    /// Takes `/FUNCTION/INSTANCE/2018-06-01/runtime/CALL` apart.
    fn caller<'p>(&self, path: &'p str) -> Option<(&Arc<Pool>, InstanceId, &'p str)> {
        let (function, rest) = path.strip_prefix('/')?.split_once('/')?;
        let (id, rest) = rest.split_once('/')?;
        let call = rest.strip_prefix("2018-06-01/runtime/")?;
        Some((self.0.get(function)?, id.parse().ok()?, call))
    }
}

async fn next(pool: &Pool, id: InstanceId) -> Answer {
    let Some(work) = pool.next(id) else {
        return refuse(StatusCode::FORBIDDEN, "UnknownInstance");
    };
    let Ok(work) = work.await else {
        return refuse(StatusCode::GONE, "InstanceEnded");
    };
    pool.begin(id);
    let deadline = clock::epoch_millis(clock::now() + pool.function().timeout);
    let event = invocation(&work, &pool.function().arn, deadline);
    event.unwrap_or_else(|_| refuse(StatusCode::INTERNAL_SERVER_ERROR, "BadFunctionName"))
}

fn invocation(work: &Work, arn: &str, deadline: u64) -> Result<Answer, hyper::http::Error> {
    Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", &work.request_id)
        .header("lambda-runtime-deadline-ms", deadline)
        .header("lambda-runtime-invoked-function-arn", arn)
        .header("lambda-runtime-trace-id", &work.trace)
        .body(Full::new(work.event.clone()))
}

async fn respond(pool: &Pool, id: InstanceId, request_id: &str, request: Request<Incoming>) -> Answer {
    if let Some(body) = read(request).await {
        return finish(pool, id, request_id, Outcome::Answered(body));
    }
    let error = Bytes::from_static(br#"{"errorType":"Function.ResponseSizeTooLarge"}"#);
    finish(pool, id, request_id, Outcome::Failed(error));
    refuse(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge")
}

async fn fail(pool: &Pool, id: InstanceId, request_id: &str, request: Request<Incoming>) -> Answer {
    let error = read(request).await.unwrap_or_else(|| Bytes::from_static(br#"{"errorType":"Unhandled"}"#));
    pool.launch.log.line(&pool.function().label, &format!("error: {}", String::from_utf8_lossy(&error)));
    finish(pool, id, request_id, Outcome::Failed(error))
}

fn finish(pool: &Pool, id: InstanceId, request_id: &str, outcome: Outcome) -> Answer {
    if pool.finish(id, request_id, outcome) { accepted() } else { refuse(StatusCode::BAD_REQUEST, "InvalidRequestID") }
}

async fn read(request: Request<Incoming>) -> Option<Bytes> {
    let body = Limited::new(request.into_body(), MAX_RESPONSE_BYTES).collect().await.ok()?;
    Some(body.to_bytes())
}

fn accepted() -> Answer {
    server::json(StatusCode::ACCEPTED, &br#"{"status":"OK"}"#[..])
}

fn refuse(status: StatusCode, error_type: &str) -> Answer {
    server::json(status, format!(r#"{{"errorType":"{error_type}","errorMessage":"{error_type}"}}"#))
}
