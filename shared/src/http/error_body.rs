//! The bodies of refusals, in their two forms.

use schemars::JsonSchema;
use serde::Serialize;

use crate::problem::{ErrorCode, FieldError, Problem};

/// What problem types begin with. They name, they are no place to go; `docs/api.md` describes them.
const TYPE_BASE: &str = "urn:gatelet:problem:";

/// A refusal (RFC 9457). Decide by `code`.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemBody<'a> {
    /// `urn:gatelet:problem:` and the code. A name, not an address.
    r#type: String,
    /// What it is about, the same for every occurrence.
    title: &'static str,
    /// The HTTP status, again.
    status: u16,
    /// What went wrong this time, for people. It may change.
    detail: String,
    #[schemars(with = "ErrorCode")]
    code: &'static str,
    /// With `validation_failed`: what is wrong with each member.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<FieldError>")]
    errors: Option<&'a [FieldError]>,
}

impl<'a> ProblemBody<'a> {
    /// What a caller is told of `problem`.
    pub(super) fn of(problem: &'a Problem) -> Self {
        let entry = problem.entry();
        let errors = match problem {
            Problem::ValidationFailed(errors) => Some(errors.as_slice()),
            _ => None,
        };
        Self {
            r#type: format!("{TYPE_BASE}{}", entry.code),
            title: entry.title,
            status: entry.status,
            detail: problem.to_string(),
            code: entry.code,
            errors,
        }
    }
}

/// A refusal of an endpoint that an OAuth RFC defines (RFC 6749 §5.2).
#[derive(Serialize, JsonSchema)]
pub struct OAuthError {
    /// What went wrong, for programs.
    error: &'static str,
    /// What went wrong this time, for people. It may change.
    error_description: String,
}

impl OAuthError {
    /// The status and the body for `problem`. RFC 6749 §5.2 knows few errors; 503 and 500 follow §4.1.2.1.
    pub(super) fn of(problem: &Problem) -> (u16, Self) {
        let (status, error) = match problem {
            Problem::InvalidApiKey | Problem::ApiKeyRequired | Problem::InvalidClient => (401, "invalid_client"),
            Problem::Unavailable(_) => (503, "temporarily_unavailable"),
            Problem::Internal(_) => (500, "server_error"),
            Problem::UnsupportedMediaType(_) => (415, "invalid_request"),
            Problem::BodyTooLarge => (413, "invalid_request"),
            Problem::TooManyAttempts { .. } => (429, "temporarily_unavailable"),
            _ => (400, "invalid_request"),
        };
        (status, Self { error, error_description: problem.to_string() })
    }
}
