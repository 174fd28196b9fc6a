//! Why a request does not pass, and the answer that says so (RFC 6750 §3, RFC 9457).

use std::time::Duration;

use http::{
    HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde_json::json;

use crate::{
    claims::Scopes, introspect::IntrospectError, token::InvalidToken, transport::Unavailable, verifier::VerifyError,
};

/// Why a request does not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no credential. The challenge has no error code then.
    TokenRequired,
    InvalidToken,
    /// Two credentials, or one where none belongs.
    InvalidRequest(&'static str),
    InsufficientScope(Scopes),
    OriginNotAllowed,
    /// Nobody can say whether the credential is good.
    Unavailable(Duration),
}

impl From<InvalidToken> for Refusal {
    fn from(_: InvalidToken) -> Self {
        Self::InvalidToken
    }
}

impl From<Unavailable> for Refusal {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable.retry_after())
    }
}

impl From<VerifyError> for Refusal {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Invalid(invalid) => invalid.into(),
            VerifyError::Unavailable(unavailable) => unavailable.into(),
        }
    }
}

impl From<IntrospectError> for Refusal {
    fn from(error: IntrospectError) -> Self {
        match error {
            IntrospectError::Unavailable(unavailable) => unavailable.into(),
            // Our own key is not good. That says nothing of the caller's token.
            IntrospectError::Refused(_) => Self::Unavailable(Duration::from_mins(1)),
        }
    }
}

impl Refusal {
    const fn entry(&self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::TokenRequired => (StatusCode::UNAUTHORIZED, "token_required", "An access token is required"),
            Self::InvalidToken => (StatusCode::UNAUTHORIZED, "invalid_token", "The access token is not valid"),
            Self::InvalidRequest(_) => (StatusCode::BAD_REQUEST, "invalid_request", "The request contradicts itself"),
            Self::InsufficientScope(_) => {
                (StatusCode::FORBIDDEN, "insufficient_scope", "The access token does not allow this")
            }
            Self::OriginNotAllowed => (StatusCode::FORBIDDEN, "origin_not_allowed", "The origin is not allowed"),
            Self::Unavailable(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "Temporarily unavailable")
            }
        }
    }

    fn detail(&self) -> &'static str {
        match self {
            Self::TokenRequired => "send an access token, as `Authorization: Bearer <token>`",
            Self::InvalidToken => "the access token is expired, corrupted, or not for this service",
            Self::InvalidRequest(detail) => detail,
            Self::InsufficientScope(_) => "the user may not do this",
            Self::OriginNotAllowed => "requests with cookies must come from an origin that this service allows",
            Self::Unavailable(_) => "whether the access token is valid can't be said at present",
        }
    }

    fn challenge(&self, realm: &str) -> Option<String> {
        let (_, code, _) = self.entry();
        match self {
            Self::TokenRequired => Some(format!(r#"Bearer realm="{realm}""#)),
            Self::InvalidToken | Self::InvalidRequest(_) => Some(format!(r#"Bearer realm="{realm}", error="{code}""#)),
            Self::InsufficientScope(scopes) => {
                Some(format!(r#"Bearer realm="{realm}", error="{code}", scope="{scopes}""#))
            }
            Self::OriginNotAllowed | Self::Unavailable(_) => None,
        }
    }

    /// The answer, with a challenge for `realm`.
    pub(crate) fn response<B: From<String>>(&self, realm: &str) -> Response<B> {
        let (status, code, title) = self.entry();
        let problem = json!({
            "type": format!("urn:gatelet:problem:{code}"), "title": title, "status": status.as_u16(),
            "detail": self.detail(), "code": code,
        });
        let mut response = Response::new(B::from(problem.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = self.challenge(realm).and_then(|challenge| HeaderValue::try_from(challenge).ok()) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Self::Unavailable(wait) = self {
            headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }
}
