//! Errors as callers see them: one closed catalogue (RFC 9457), one table.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    keyring::SignError,
    provider::{ProviderError, SecretError},
    rotation::RotationError,
    store::{IdentifyError, KeysError, StoreError},
};

/// What is wrong with one member of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
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
    /// The deployment has no such provider.
    #[error("there is no such provider")]
    ProviderNotFound,
    /// The application's list does not have that address, to the letter.
    #[error("return_to is none of the application's allowed addresses")]
    ReturnToNotAllowed,
    /// The sign-in at a provider is not one that this browser has begun: absent, foreign, finished and old are alike.
    #[error("this sign-in has expired, is finished, or began in another browser; begin again")]
    InvalidState,
    /// A code is malformed, used, expired, or another application's, or its verifier is wrong (RFC 6749 §5.2, RFC 7636 §4.6).
    #[error("the code is not valid; begin again")]
    InvalidCode,
    /// A provider did not say who signed in. Nothing has happened, and the user can begin again.
    #[error("{0}; begin again")]
    ProviderFailed(#[source] ProviderError),
    /// The user has signed in too long ago for this (RFC 9470 §3).
    #[error("this needs a sign-in of the last 15 minutes; sign in again")]
    InsufficientUserAuthentication,
    /// The user has no such identity.
    #[error("there is no such identity")]
    IdentityNotFound,
    /// Somebody signs in by that identity already.
    #[error("this identity is linked already")]
    IdentityTaken,
    /// A user can't have more.
    #[error("a user has at most 10 identities")]
    TooManyIdentities,
    /// Without it, the user could not sign in any more.
    #[error("this is the user's only way to sign in")]
    LastCredential,
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
    /// The store, or another service of AWS, did not answer in time. Nothing was decided, and the same request may be sent again.
    #[error("temporarily unavailable, send the same request again")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
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

    /// Status, stable code and title: the catalogue. `docs/api.md` lists it, and a test holds the two together.
    #[must_use]
    pub const fn entry(&self) -> Entry {
        let (status, code, title) = match self {
            Self::MalformedJson(_) => (400, "malformed_json", "The body can't be read"),
            Self::InvalidRequest(_) => (400, "invalid_request", "The request contradicts itself"),
            Self::UnsupportedMediaType(_) => (415, "unsupported_media_type", "The body has the wrong type"),
            Self::BodyTooLarge => (413, "body_too_large", "The body is too large"),
            Self::ValidationFailed(_) => (422, "validation_failed", "Some members can't be accepted"),
            Self::InvalidApiKey => (401, "invalid_api_key", "The API key is not valid"),
            Self::ApiKeyRequired => (401, "api_key_required", "An API key is required"),
            Self::InvalidClient => (401, "invalid_client", "The application must authenticate"),
            Self::InvalidCredentials => (401, "invalid_credentials", "The credentials are not valid"),
            Self::TokenRequired => (401, "token_required", "An access token is required"),
            Self::InvalidToken(_) => (401, "invalid_token", "The access token is not valid"),
            Self::InvalidGrant => (401, "invalid_grant", "The refresh token is not valid"),
            Self::OriginNotAllowed => (403, "origin_not_allowed", "The origin is not allowed"),
            Self::ProviderNotFound => (404, "provider_not_found", "There is no such provider"),
            Self::ReturnToNotAllowed => (400, "return_to_not_allowed", "The address is not allowed"),
            Self::InvalidState => (400, "invalid_state", "The sign-in can't be finished"),
            Self::InvalidCode => (400, "invalid_code", "The code is not valid"),
            Self::ProviderFailed(_) => (502, "provider_failed", "The provider failed"),
            Self::InsufficientUserAuthentication => {
                (401, "insufficient_user_authentication", "A recent sign-in is required")
            }
            Self::IdentityNotFound => (404, "identity_not_found", "There is no such identity"),
            Self::IdentityTaken => (409, "identity_taken", "The identity is linked already"),
            Self::TooManyIdentities => (409, "too_many_identities", "The user has too many identities"),
            Self::LastCredential => (409, "last_credential", "The last credential can't be removed"),
            Self::SessionNotFound => (404, "session_not_found", "There is no such session"),
            Self::UserIdTaken => (409, "user_id_taken", "The user_id is taken"),
            Self::TooManyAttempts { .. } => (429, "too_many_attempts", "Too many attempts"),
            Self::Internal(_) => (500, "internal_error", "Internal error"),
            Self::Unavailable(_) => (503, "temporarily_unavailable", "Temporarily unavailable"),
        };
        Entry { status, code, title }
    }

    /// The challenge that a 401 must carry (RFC 9110 §11.6.1; for Bearer, RFC 6750 §3).
    #[must_use]
    pub const fn challenge(&self) -> Option<&'static str> {
        Some(match self {
            Self::InvalidToken(_) => r#"Bearer realm="gatelet", error="invalid_token""#,
            Self::InsufficientUserAuthentication => {
                r#"Bearer realm="gatelet", error="insufficient_user_authentication", max_age="900""#
            }
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

/// A problem's line in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The HTTP status.
    pub status: u16,
    /// The stable code, also the last part of `type`.
    pub code: &'static str,
    /// What it is about, the same for every occurrence.
    pub title: &'static str,
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(error.into()),
            StoreError::Rejected { .. } | StoreError::Corrupt { .. } => Self::internal(error),
        }
    }
}

impl From<ProviderError> for Problem {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::Code => Self::InvalidCode,
            ProviderError::OtherIssuer => Self::InvalidState,
            ProviderError::Secret(error @ SecretError::Unavailable(..)) => Self::Unavailable(error.into()),
            ProviderError::Secret(error) => Self::internal(error),
            error => Self::ProviderFailed(error),
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
