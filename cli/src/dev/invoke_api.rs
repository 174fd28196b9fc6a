//! Lambda's Invoke API, so that `cargo lambda invoke` and any AWS SDK can call the running functions directly.

use super::clock;
use super::pool::Pool;
use super::queue::Outcome;
use super::response::message;
use super::server::{self, Answer};
use super::trace::Trace;
use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::http::request::Parts;
use hyper::{Method, StatusCode, header};
use std::sync::Arc;

/// All functions, whether a route leads to them or not.
pub(crate) struct InvokeApi(pub(crate) Vec<Arc<Pool>>);

impl InvokeApi {
    /// The function that a path of the Invoke API names.
    pub(crate) fn function_of(path: &str) -> Option<&str> {
        path.strip_prefix("/2015-03-31/functions/")?.strip_suffix("/invocations")
    }

    /// Invokes a function with `event`, and waits unless the caller asked not to.
    pub(crate) async fn invoke(&self, request: &Parts, function: &str, event: Bytes) -> Answer {
        // A page on the web can send a POST here without being asked for permission first, but not without naming its origin.
        if request.method != Method::POST || request.headers.contains_key(header::ORIGIN) {
            return message(StatusCode::FORBIDDEN, "Forbidden");
        }
        let Some(pool) = self.find(function) else {
            return message(StatusCode::NOT_FOUND, &format!("Function not found: {function}"));
        };
        let trace = Trace::of(&request.headers, clock::now());
        let event = if event.is_empty() { Bytes::from_static(b"{}") } else { event };
        if request.headers.get("x-amz-invocation-type").is_some_and(|kind| kind == "Event") {
            let pool = Arc::clone(pool);
            tokio::spawn(async move { pool.invoke(event, &trace).await });
            return server::json(StatusCode::ACCEPTED, Bytes::new());
        }
        answer(pool.invoke(event, &trace).await)
    }

    /// By binary, logical id, or the name that it has in the stack.
    fn find(&self, name: &str) -> Option<&Arc<Pool>> {
        let is_called = |pool: &&Arc<Pool>| {
            let function = pool.function();
            [&function.binary, &function.logical_id, &function.name, &function.arn].contains(&&name.to_owned())
        };
        self.0.iter().find(is_called)
    }
}

fn answer(outcome: Outcome) -> Answer {
    let error = match outcome {
        Outcome::Answered(payload) => return server::json(StatusCode::OK, payload),
        Outcome::Failed(error) => error,
        Outcome::Died => Bytes::from_static(br#"{"errorType":"Runtime.ExitError","errorMessage":"Runtime exited"}"#),
        Outcome::TimedOut => Bytes::from_static(br#"{"errorType":"Sandbox.Timedout","errorMessage":"Task timed out"}"#),
    };
    let mut answer = server::json(StatusCode::OK, error);
    answer.headers_mut().insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
    answer
}
