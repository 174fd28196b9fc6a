//! What the server refuses, as it says it.

use std::fmt;

use http::StatusCode;
use serde::Deserialize;

use crate::transport::Answer;

/// The stable code of a refusal: `code` of problem+json (RFC 9457), or `error` where an OAuth RFC says how errors look.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Code {
    /// The application must send a key.
    ApiKeyRequired,
    /// The body is too large.
    BodyTooLarge,
    /// The user has no such identity.
    IdentityNotFound,
    /// The identity signs in somebody else.
    IdentityTaken,
    /// The user must sign in again for this (RFC 9470).
    InsufficientUserAuthentication,
    /// A failure of the server's own.
    InternalError,
    /// The API key is unknown, revoked or mistyped.
    InvalidApiKey,
    /// The endpoint wants a secret key.
    InvalidClient,
    /// The code is used, expired, or not for this.
    InvalidCode,
    /// Wrong password, unknown or disabled user.
    InvalidCredentials,
    /// The refresh token is over, used up, or not this application's.
    InvalidGrant,
    /// The request contradicts itself.
    InvalidRequest,
    /// The sign-in at a provider is not this browser's, or over.
    InvalidState,
    /// The access token is not good.
    InvalidToken,
    /// The user could not sign in any more.
    LastCredential,
    /// The body is not JSON.
    MalformedJson,
    /// The request came with cookies from a page that may not use them.
    OriginNotAllowed,
    /// The provider did not say who signed in.
    ProviderFailed,
    /// The deployment has no such provider.
    ProviderNotFound,
    /// The application does not allow that address.
    ReturnToNotAllowed,
    /// There is no such session.
    SessionNotFound,
    /// The server can't say at present.
    TemporarilyUnavailable,
    /// An access token is required.
    TokenRequired,
    /// The caller must wait.
    TooManyAttempts,
    /// The user has as many identities as can be.
    TooManyIdentities,
    /// The body has the wrong type.
    UnsupportedMediaType,
    /// Somebody has that name.
    UserIdTaken,
    /// Members of the body can't be accepted.
    ValidationFailed,
    /// Another one, or none: an answer of something between here and the server, such as a gateway.
    Other(String),
}

const NAMES: [(Code, &str); 28] = [
    (Code::ApiKeyRequired, "api_key_required"),
    (Code::BodyTooLarge, "body_too_large"),
    (Code::IdentityNotFound, "identity_not_found"),
    (Code::IdentityTaken, "identity_taken"),
    (Code::InsufficientUserAuthentication, "insufficient_user_authentication"),
    (Code::InternalError, "internal_error"),
    (Code::InvalidApiKey, "invalid_api_key"),
    (Code::InvalidClient, "invalid_client"),
    (Code::InvalidCode, "invalid_code"),
    (Code::InvalidCredentials, "invalid_credentials"),
    (Code::InvalidGrant, "invalid_grant"),
    (Code::InvalidRequest, "invalid_request"),
    (Code::InvalidState, "invalid_state"),
    (Code::InvalidToken, "invalid_token"),
    (Code::LastCredential, "last_credential"),
    (Code::MalformedJson, "malformed_json"),
    (Code::OriginNotAllowed, "origin_not_allowed"),
    (Code::ProviderFailed, "provider_failed"),
    (Code::ProviderNotFound, "provider_not_found"),
    (Code::ReturnToNotAllowed, "return_to_not_allowed"),
    (Code::SessionNotFound, "session_not_found"),
    (Code::TemporarilyUnavailable, "temporarily_unavailable"),
    (Code::TokenRequired, "token_required"),
    (Code::TooManyAttempts, "too_many_attempts"),
    (Code::TooManyIdentities, "too_many_identities"),
    (Code::UnsupportedMediaType, "unsupported_media_type"),
    (Code::UserIdTaken, "user_id_taken"),
    (Code::ValidationFailed, "validation_failed"),
];

impl From<&str> for Code {
    fn from(name: &str) -> Self {
        let known = NAMES.into_iter().find(|(_, known)| *known == name);
        known.map_or_else(|| Self::Other(name.to_owned()), |(code, _)| code)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(name) => f.write_str(name),
            code => f.write_str(NAMES.iter().find(|(known, _)| known == code).map_or("", |(_, name)| name)),
        }
    }
}

/// A definite refusal: sending the same again changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused with {status}: {code}: {detail}")]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// Which refusal it is.
    pub code: Code,
    /// What the server says of it, for people.
    pub detail: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    #[serde(alias = "error")]
    code: String,
    #[serde(alias = "error_description")]
    detail: String,
}

impl Problem {
    pub(crate) fn of(answer: &Answer) -> Self {
        let body: Body = serde_json::from_slice(&answer.body).unwrap_or_default();
        Self { status: answer.status, code: Code::from(body.code.as_str()), detail: body.detail }
    }

    /// The session is over, and nothing but signing in begins another.
    pub(crate) fn ends_session(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED && self.code == Code::InvalidGrant
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(body: &str) -> Problem {
        let status = StatusCode::UNAUTHORIZED;
        Problem::of(&Answer { status, headers: http::HeaderMap::default(), body: body.into() })
    }

    #[test]
    fn a_refusal_is_read_in_either_form_and_in_none() {
        for (body, code, detail) in [
            (r#"{"code": "invalid_grant", "detail": "over", "status": 401}"#, Code::InvalidGrant, "over"),
            (r#"{"error": "invalid_client", "error_description": "who?"}"#, Code::InvalidClient, "who?"),
            (r#"{"code": "brand_new"}"#, Code::Other("brand_new".into()), ""),
            (r#"{"message": "Unauthorized"}"#, Code::Other(String::new()), ""),
            ("<html>", Code::Other(String::new()), ""),
            ("", Code::Other(String::new()), ""),
        ] {
            let problem = problem(body);
            assert_eq!((&problem.code, problem.detail.as_str()), (&code, detail), "{body}");
        }
    }

    #[test]
    fn only_invalid_grant_ends_a_session() {
        assert!(problem(r#"{"code": "invalid_grant"}"#).ends_session());
        for body in [r#"{"code": "invalid_api_key"}"#, r#"{"message": "Unauthorized"}"#, ""] {
            assert!(!problem(body).ends_session(), "{body}");
        }
    }

    #[test]
    fn codes_have_their_names() {
        for (code, name) in NAMES {
            assert_eq!((Code::from(name), code.to_string().as_str()), (code, name));
        }
    }
}
