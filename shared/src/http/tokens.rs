//! The token response (RFC 6749 §5.1), in the body or in cookies.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Cookies, Response};
use crate::{
    application::{Application, TokenDelivery},
    issuer::Tokens,
    problem::Problem,
};

/// What a sign-in or a refresh hands out. An application whose tokens are delivered as cookies finds none in the body.
#[derive(Serialize, JsonSchema)]
pub struct TokenResponse<'a> {
    /// The access token: a JWT (RFC 9068), to be sent as `Authorization: Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "&str")]
    access_token: Option<&'a str>,
    #[schemars(extend("const" = "Bearer"))]
    token_type: &'static str,
    /// For how many seconds the access token is good.
    expires_in: u64,
    /// What to refresh with. Absent if the application's tokens do not rotate and this is a refresh.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "&str")]
    refresh_token: Option<&'a str>,
    /// For how many seconds the refresh token is good if it is not used; absent where `refresh_token` is for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64")]
    refresh_expires_in: Option<u64>,
    /// After a sign-in: what makes this device a known one at the next. Keep it when the user signs out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "&str")]
    device_token: Option<&'a str>,
}

/// Hands out `tokens` the way that `application` gets its tokens: in the body, or in cookies and nowhere else.
///
/// # Errors
///
/// If the body can't be written.
pub fn token_response(tokens: &Tokens, application: &Application, cookies: Cookies) -> Result<Response, Problem> {
    let in_body = application.delivery == TokenDelivery::Body;
    let refresh = tokens.refresh.as_ref();
    let body = TokenResponse {
        access_token: in_body.then(|| tokens.access.expose()),
        token_type: "Bearer",
        expires_in: tokens.access_lifetime.as_secs(),
        refresh_token: refresh.filter(|_| in_body).map(|(token, _)| token.expose()),
        refresh_expires_in: refresh.map(|(_, lifetime)| lifetime.as_secs()),
        device_token: tokens.device.as_ref().filter(|_| in_body).map(|token| token.expose()),
    };
    let response = Response::json(200, &body)?;
    if in_body {
        return Ok(response);
    }
    let access = cookies.set_access(tokens.access.expose(), tokens.access_lifetime);
    let refresh = refresh.map(|(token, lifetime)| cookies.set_refresh(token.expose(), *lifetime));
    let device = tokens.device.as_ref().map(|token| cookies.set_device(token.expose()));
    Ok(response.with_cookies([access]).with_cookies(refresh).with_cookies(device))
}
