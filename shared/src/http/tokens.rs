//! The token response (RFC 6749 §5.1), in the body or in cookies.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Cookies, Response};
use crate::{
    application::{Application, TokenDelivery},
    issuer::Tokens,
    problem::Problem,
    secret::Secret,
};

/// Tokens. An application with token delivery `cookie` gets them as cookies, and here only how long they last.
#[derive(Serialize, ToSchema)]
pub struct TokenResponse<'a> {
    /// The access token, a JWT. With delivery `body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    access_token: Option<&'a str>,
    /// How to use the access token.
    token_type: TokenType,
    /// How long the access token is good for, in seconds.
    expires_in: u64,
    /// The refresh token. With delivery `body`, and not when an application without rotation refreshes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    refresh_token: Option<&'a str>,
    /// What is left of the session if it is not refreshed again, in seconds. Absent if no refresh token is handed out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    refresh_expires_in: Option<u64>,
    /// What makes the device a known one at its next sign-in. With delivery `body`, after a sign-in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    device_token: Option<&'a str>,
}

/// How an access token is used (RFC 6749 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub enum TokenType {
    /// As `Authorization: Bearer` (RFC 6750).
    Bearer,
}

/// Hands out `tokens` the way that `application` gets its tokens: in the body, or in cookies and nowhere else.
///
/// # Errors
///
/// If the body can't be written.
pub fn token_response<'a>(
    tokens: &'a Tokens,
    application: &Application,
    cookies: Cookies,
) -> Result<Response, Problem> {
    let in_body = |token: &'a Secret| (application.delivery == TokenDelivery::Body).then(|| token.expose());
    let refresh = tokens.refresh.as_ref();
    let body = TokenResponse {
        access_token: in_body(&tokens.access),
        token_type: TokenType::Bearer,
        expires_in: tokens.access_lifetime.as_secs(),
        refresh_token: refresh.and_then(|(token, _)| in_body(token)),
        refresh_expires_in: refresh.map(|(_, lifetime)| lifetime.as_secs()),
        device_token: tokens.device.as_ref().and_then(in_body),
    };
    let response = Response::json(200, &body)?;
    Ok(match application.delivery {
        TokenDelivery::Body => response,
        TokenDelivery::Cookie => response.with_cookies(cookies.set(tokens)),
    })
}
