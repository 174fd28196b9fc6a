//! What a function writes to its log: one JSON object a line, on standard output, as Lambda collects it.
//!
//! JSON escapes control characters, so that no user name forges a line. Nothing here takes a token, a key, a password, a
//! header or a body, and the types of those have no `Display` or `Serialize` to slip through.

use std::{io::Write, time::Duration};

use serde::Serialize;
use serde_json::json;

use crate::{http::Request, problem::Problem};

/// Writes one line. A log that can't be written must not fail the request, and there is nowhere to say so.
pub(crate) fn line(entry: &impl Serialize) {
    if let Ok(mut text) = serde_json::to_string(entry) {
        text.push('\n');
        let _ = std::io::stdout().lock().write_all(text.as_bytes());
    }
}

/// What the log says of every request.
#[derive(Debug)]
pub struct Access {
    request_id: String,
    route: String,
}

impl Access {
    /// Notes which request it is.
    #[must_use]
    pub fn begin(request: &Request) -> Self {
        Self { request_id: request.request_id(), route: request.route() }
    }

    /// Notes which request the authorizer is asked about.
    #[must_use]
    pub fn of_authorizer(request_id: &str, route: &str) -> Self {
        Self { request_id: request_id.to_owned(), route: route.to_owned() }
    }
}

/// A request was answered.
pub fn access(request: &Access, status: u16, code: &str, duration: Duration) {
    line(&json!({
        "type": "request",
        "request_id": request.request_id,
        "route": request.route,
        "status": status,
        "outcome": code,
        "duration_ms": u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
    }));
}

/// A request failed through our fault or the store's: the causes, which the caller is not told.
pub fn problem(request: &Access, problem: &Problem) {
    if matches!(problem, Problem::Internal(_) | Problem::Unavailable(_)) {
        line(&json!({
            "type": "error",
            "request_id": request.request_id,
            "route": request.route,
            "outcome": problem.entry().code,
            "causes": causes(problem),
        }));
    }
}

/// The messages of an error and of what caused it, outermost first.
fn causes(error: &dyn std::error::Error) -> Vec<String> {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes
}
