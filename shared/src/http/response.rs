//! Answers.

use std::time::Duration;

use lambda_http::{
    Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
};
use serde::Serialize;
use utoipa::{ToSchema, openapi::Ref};

use crate::problem::{FieldError, Problem};

/// What problem types begin with. They name, they are no place to go; `docs/api.md` describes them.
const TYPE_BASE: &str = "urn:gatelet:problem:";

/// On every answer (`docs/security.md`).
const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"),
    (header::VARY, "Origin"),
    (header::CACHE_CONTROL, "no-store"),
];

/// How an endpoint states its errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorFormat {
    /// `application/problem+json` (RFC 9457).
    Problem,
    /// `error` and `error_description` (RFC 6749 §5.2), for the endpoints that an OAuth RFC defines.
    OAuth,
}

/// An HTTP response.
#[derive(Debug)]
pub struct Response {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
    code: &'static str,
}

impl Response {
    /// A JSON answer.
    ///
    /// # Errors
    ///
    /// If `body` can't be written as JSON.
    pub fn json(status: u16, body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_string(body).map_err(Problem::internal)?;
        Ok(Self::new(status, "application/json", body, "ok"))
    }

    /// An answer without a body.
    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self { headers: HeaderMap::new(), ..Self::new(status, "", String::new(), "ok") }
    }

    /// Sends the browser on to `location` (RFC 9110 §15.4.4).
    #[must_use]
    pub fn redirect(location: &str) -> Self {
        Self::empty(303).with_header(header::LOCATION, location)
    }

    fn new(status: u16, content_type: &'static str, body: String, code: &'static str) -> Self {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, headers, body, code }
    }

    /// What `problem` looks like from outside.
    #[must_use]
    pub fn from_problem(problem: &Problem, format: ErrorFormat) -> Self {
        let entry = problem.entry();
        let mut response = match format {
            ErrorFormat::Problem => {
                Self::new(entry.status, "application/problem+json", text(&problem_body(problem)), entry.code)
            }
            ErrorFormat::OAuth => {
                let (status, error) = oauth_error(problem);
                let body = OAuthError { error, error_description: problem.to_string() };
                Self::new(status, "application/json", text(&body), entry.code)
            }
        };
        if let Some(challenge) = problem.challenge() {
            response = response.with_header(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(wait) = problem.retry_after() {
            response = response.with_header(header::RETRY_AFTER, &wait.as_secs().max(1).to_string());
        }
        response
    }

    /// With a header more, or another value for one that is there. A value that no header can have is left out.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }

    /// With `Set-Cookie` lines. API Gateway sends each as a header of its own.
    #[must_use]
    pub fn with_cookies(mut self, cookies: impl IntoIterator<Item = String>) -> Self {
        for cookie in cookies {
            if let Ok(value) = HeaderValue::from_str(&cookie) {
                self.headers.append(header::SET_COOKIE, value);
            }
        }
        self
    }

    /// Cacheable by anyone for `time`.
    #[must_use]
    pub fn cacheable(self, time: Duration) -> Self {
        self.with_header(header::CACHE_CONTROL, &format!("public, max-age={}", time.as_secs()))
    }

    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The outcome in one word: `ok`, or the problem's code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &str {
        &self.body
    }

    pub(super) fn into_lambda(self) -> lambda_http::Response<Body> {
        let mut response = lambda_http::Response::new(Body::Text(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        for (name, value) in SECURITY_HEADERS {
            response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
        }
        response
    }
}

/// An error (RFC 9457). Decide by `status` and `code`.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// The code as a name for the kind of problem. It is no address.
    #[schema(examples("urn:gatelet:problem:invalid_grant"))]
    r#type: String,
    /// What it is about, the same for every occurrence.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What happened, for people. The words may change.
    detail: String,
    /// What happened, for programs. Codes do not change.
    #[schema(schema_with = error_code)]
    code: &'static str,
    /// With `validation_failed`: what is wrong, member by member.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    errors: Option<&'a [FieldError]>,
}

/// A code of the catalogue. Which ones there are is said by those who answer with them.
fn error_code() -> Ref {
    Ref::from_schema_name("ErrorCode")
}

/// An error of an endpoint that an OAuth RFC defines (RFC 6749 §5.2).
#[derive(Serialize, ToSchema)]
pub struct OAuthError {
    /// What happened, for programs.
    error: &'static str,
    /// What happened, for people. The words may change.
    error_description: String,
}

fn problem_body(problem: &Problem) -> ProblemBody<'_> {
    let entry = problem.entry();
    let errors = match problem {
        Problem::ValidationFailed(errors) => Some(errors.as_slice()),
        _ => None,
    };
    ProblemBody {
        r#type: format!("{TYPE_BASE}{}", entry.code),
        title: entry.title,
        status: entry.status,
        detail: problem.to_string(),
        code: entry.code,
        errors,
    }
}

/// Text and numbers can always be written.
fn text(body: &impl Serialize) -> String {
    serde_json::to_string(body).unwrap_or_default()
}

/// RFC 6749 §5.2 knows few errors; 503 and 500 follow §4.1.2.1.
const fn oauth_error(problem: &Problem) -> (u16, &'static str) {
    match problem {
        Problem::InvalidApiKey | Problem::ApiKeyRequired | Problem::InvalidClient => (401, "invalid_client"),
        Problem::Unavailable(_) => (503, "temporarily_unavailable"),
        Problem::Internal(_) => (500, "server_error"),
        Problem::UnsupportedMediaType(_) => (415, "invalid_request"),
        Problem::BodyTooLarge => (413, "invalid_request"),
        Problem::TooManyAttempts { .. } => (429, "temporarily_unavailable"),
        _ => (400, "invalid_request"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_problem_says_its_status_twice_and_its_source_never() {
        let problem = Problem::internal("table gatelet-users, item user#1");
        let response = Response::from_problem(&problem, ErrorFormat::Problem);
        let body: Value = serde_json::from_str(response.body()).unwrap();
        assert_eq!((response.status(), body["status"].as_u64()), (500, Some(500)));
        assert_eq!(body["code"], "internal_error");
        assert!(!response.body().contains("gatelet-users"));
    }

    #[test]
    fn every_answer_carries_the_security_headers() {
        let answer = Response::empty(204).into_lambda();
        for (name, value) in SECURITY_HEADERS {
            assert_eq!(answer.headers()[name], value);
        }
        let jwks = Response::empty(200).cacheable(Duration::from_mins(5)).into_lambda();
        assert_eq!(jwks.headers()[header::CACHE_CONTROL], "public, max-age=300");
    }
}
