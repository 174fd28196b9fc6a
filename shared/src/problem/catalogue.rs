//! The catalogue: every problem's status, stable code and title.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// A problem's line in the catalogue. `docs/api.md` lists them, and a test holds the two together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The HTTP status.
    pub status: u16,
    /// The stable code, also the last part of `type`.
    pub code: &'static str,
    /// What it is about, the same for every occurrence.
    pub title: &'static str,
}

const fn entry(status: u16, code: &'static str, title: &'static str) -> Entry {
    Entry { status, code, title }
}

#[expect(missing_docs, reason = "the title says what it is")]
impl Entry {
    pub const MALFORMED_JSON: Self = entry(400, "malformed_json", "The body can't be read");
    pub const INVALID_REQUEST: Self = entry(400, "invalid_request", "The request contradicts itself");
    pub const UNSUPPORTED_MEDIA_TYPE: Self = entry(415, "unsupported_media_type", "The body has the wrong type");
    pub const BODY_TOO_LARGE: Self = entry(413, "body_too_large", "The body is too large");
    pub const VALIDATION_FAILED: Self = entry(422, "validation_failed", "Some members can't be accepted");
    pub const INVALID_API_KEY: Self = entry(401, "invalid_api_key", "The API key is not valid");
    pub const API_KEY_REQUIRED: Self = entry(401, "api_key_required", "An API key is required");
    pub const INVALID_CLIENT: Self = entry(401, "invalid_client", "The application must authenticate");
    pub const INVALID_CREDENTIALS: Self = entry(401, "invalid_credentials", "The credentials are not valid");
    pub const TOKEN_REQUIRED: Self = entry(401, "token_required", "An access token is required");
    pub const INVALID_TOKEN: Self = entry(401, "invalid_token", "The access token is not valid");
    pub const INVALID_GRANT: Self = entry(401, "invalid_grant", "The refresh token is not valid");
    pub const ORIGIN_NOT_ALLOWED: Self = entry(403, "origin_not_allowed", "The origin is not allowed");
    pub const SESSION_NOT_FOUND: Self = entry(404, "session_not_found", "There is no such session");
    pub const USER_ID_TAKEN: Self = entry(409, "user_id_taken", "The user_id is taken");
    pub const TOO_MANY_ATTEMPTS: Self = entry(429, "too_many_attempts", "Too many attempts");
    pub const INTERNAL_ERROR: Self = entry(500, "internal_error", "Internal error");
    pub const TEMPORARILY_UNAVAILABLE: Self = entry(503, "temporarily_unavailable", "Temporarily unavailable");

    /// All of them.
    pub const ALL: [Self; 18] = [
        Self::MALFORMED_JSON,
        Self::INVALID_REQUEST,
        Self::UNSUPPORTED_MEDIA_TYPE,
        Self::BODY_TOO_LARGE,
        Self::VALIDATION_FAILED,
        Self::INVALID_API_KEY,
        Self::API_KEY_REQUIRED,
        Self::INVALID_CLIENT,
        Self::INVALID_CREDENTIALS,
        Self::TOKEN_REQUIRED,
        Self::INVALID_TOKEN,
        Self::INVALID_GRANT,
        Self::ORIGIN_NOT_ALLOWED,
        Self::SESSION_NOT_FOUND,
        Self::USER_ID_TAKEN,
        Self::TOO_MANY_ATTEMPTS,
        Self::INTERNAL_ERROR,
        Self::TEMPORARILY_UNAVAILABLE,
    ];
}

/// The codes that an `application/problem+json` can have. `invalid_client` is said in the form of RFC 6749 only.
pub struct ErrorCode;

impl JsonSchema for ErrorCode {
    fn schema_name() -> Cow<'static, str> {
        "ErrorCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let codes: Vec<_> =
            Entry::ALL.map(|entry| entry.code).into_iter().filter(|code| *code != Entry::INVALID_CLIENT.code).collect();
        json_schema!({"type": "string", "enum": codes, "description": "What went wrong, for programs. Stable; new codes may be added."})
    }
}
