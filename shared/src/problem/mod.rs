//! Errors as callers see them: one closed catalogue (RFC 9457), one table, [`catalogue`].

mod catalogue;

pub use catalogue::{Entry, ErrorCode};

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    keyring::SignError,
    rotation::RotationError,
    store::{IdentifyError, KeysError, StoreError},
};

/// What is wrong with one member of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldError {
    /// The member's name.
    pub field: &'static str,
    /// What is wrong, for programs (`snake_case`).
    pub code: &'static str,
    /// What is wrong, for people.
    pub detail: String,
}

/// Everything that an endpoint can answer other than success.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// The body is not JSON as RFC 8259 and this API want it.
    #[error("{0}")]
    MalformedJson(String),
    /// The request contradicts itself, or says something in a place where it may not stand.
    #[error("{0}")]
    InvalidRequest(&'static str),
    /// The body's type is not the one that this endpoint reads.
    #[error("send {0}")]
    UnsupportedMediaType(&'static str),
    /// The body is larger than any request of this endpoint.
    #[error("the body is larger than 64 KiB")]
    BodyTooLarge,
    /// The JSON is well formed, but its members are not what they must be.
    #[error("the request has members that can't be accepted")]
    ValidationFailed(Vec<FieldError>),
    /// No such application key. Unknown, revoked and mistyped are alike.
    #[error("the API key is not valid")]
    InvalidApiKey,
    /// The deployment has no default application.
    #[error("name your application in the Api-Key header")]
    ApiKeyRequired,
    /// The endpoint wants an application that proves itself (RFC 6749 §5.2).
    #[error("authenticate with a secret key")]
    InvalidClient,
    /// Wrong password, unknown or disabled user: one variant on purpose, the difference is not the caller's.
    #[error("user or password is incorrect")]
    InvalidCredentials,
    /// A request that needs an access token has none (RFC 6750 §3.1: no error code then).
    #[error("this needs an access token")]
    TokenRequired,
    /// The access token is malformed, expired, revoked or foreign (RFC 6750 §3.1).
    #[error("{0}")]
    InvalidToken(&'static str),
    /// The refresh token is malformed, expired, revoked, used up, or another application's (RFC 6749 §5.2).
    #[error("the refresh token is not valid")]
    InvalidGrant,
    /// The request came with cookies, but not from a page that may use them.
    #[error("requests with cookies must come from an origin that the application allows")]
    OriginNotAllowed,
    /// Somebody has that name.
    #[error("this user_id is taken")]
    UserIdTaken,
    /// The user has no such session.
    #[error("there is no such session")]
    SessionNotFound,
    /// The caller must wait; becomes `Retry-After` (RFC 9110 §10.2.3).
    #[error("too many attempts")]
    TooManyAttempts {
        /// How long.
        retry_after: Duration,
    },
    /// The store did not answer in time. Nothing was decided, and the same request may be sent again.
    #[error("temporarily unavailable, send the same request again")]
    Unavailable(#[source] StoreError),
    /// Our fault. The source is logged, never sent.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Problem {
    /// A problem of our own making.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// One member that can't be accepted.
    #[must_use]
    pub fn field(field: &'static str, code: &'static str, detail: impl Into<String>) -> Self {
        Self::ValidationFailed(vec![FieldError { field, code, detail: detail.into() }])
    }

    /// Status, stable code and title.
    #[must_use]
    pub const fn entry(&self) -> Entry {
        match self {
            Self::MalformedJson(_) => Entry::MALFORMED_JSON,
            Self::InvalidRequest(_) => Entry::INVALID_REQUEST,
            Self::UnsupportedMediaType(_) => Entry::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyTooLarge => Entry::BODY_TOO_LARGE,
            Self::ValidationFailed(_) => Entry::VALIDATION_FAILED,
            Self::InvalidApiKey => Entry::INVALID_API_KEY,
            Self::ApiKeyRequired => Entry::API_KEY_REQUIRED,
            Self::InvalidClient => Entry::INVALID_CLIENT,
            Self::InvalidCredentials => Entry::INVALID_CREDENTIALS,
            Self::TokenRequired => Entry::TOKEN_REQUIRED,
            Self::InvalidToken(_) => Entry::INVALID_TOKEN,
            Self::InvalidGrant => Entry::INVALID_GRANT,
            Self::OriginNotAllowed => Entry::ORIGIN_NOT_ALLOWED,
            Self::SessionNotFound => Entry::SESSION_NOT_FOUND,
            Self::UserIdTaken => Entry::USER_ID_TAKEN,
            Self::TooManyAttempts { .. } => Entry::TOO_MANY_ATTEMPTS,
            Self::Internal(_) => Entry::INTERNAL_ERROR,
            Self::Unavailable(_) => Entry::TEMPORARILY_UNAVAILABLE,
        }
    }

    /// The challenge that a 401 must carry (RFC 9110 §11.6.1; for Bearer, RFC 6750 §3).
    #[must_use]
    pub const fn challenge(&self) -> Option<&'static str> {
        Some(match self {
            Self::InvalidToken(_) => r#"Bearer realm="gatelet", error="invalid_token""#,
            Self::TokenRequired | Self::InvalidCredentials | Self::InvalidGrant => r#"Bearer realm="gatelet""#,
            Self::InvalidApiKey | Self::ApiKeyRequired => r#"Api-Key realm="gatelet""#,
            Self::InvalidClient => r#"Basic realm="gatelet", charset="UTF-8""#,
            _ => return None,
        })
    }

    /// How long the caller should wait before the same request may do better.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooManyAttempts { retry_after } => Some(*retry_after),
            Self::Unavailable(_) => Some(Duration::from_secs(1)),
            _ => None,
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(error),
            StoreError::Rejected { .. } | StoreError::Corrupt { .. } => Self::internal(error),
        }
    }
}

impl From<IdentifyError> for Problem {
    fn from(error: IdentifyError) -> Self {
        match error {
            IdentifyError::UnknownKey => Self::InvalidApiKey,
            IdentifyError::NoKey => Self::ApiKeyRequired,
            IdentifyError::Store(error) => error.into(),
        }
    }
}

impl From<KeysError> for Problem {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Store(error) => error.into(),
            KeysError::None { .. } => Self::internal(error),
        }
    }
}

impl From<RotationError> for Problem {
    fn from(error: RotationError) -> Self {
        match error {
            RotationError::Store(error) => error.into(),
            RotationError::Generation(_) | RotationError::Contended => Self::internal(error),
        }
    }
}

impl From<SignError> for Problem {
    fn from(error: SignError) -> Self {
        match error {
            SignError::Keys(error) => error.into(),
            SignError::Signing(error) => Self::internal(error),
        }
    }
}
