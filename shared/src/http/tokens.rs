//! The token response (RFC 6749 §5.1), in the body or in cookies.

use serde_json::json;

use super::{Cookies, Response};
use crate::{
    application::{Application, TokenDelivery},
    issuer::Tokens,
    problem::Problem,
};

/// Hands out `tokens` the way that `application` gets its tokens: in the body, or in cookies and nowhere else.
///
/// # Errors
///
/// If the body can't be written.
pub fn token_response(tokens: &Tokens, application: &Application, cookies: Cookies) -> Result<Response, Problem> {
    let mut body = json!({"token_type": "Bearer", "expires_in": tokens.access_lifetime.as_secs()});
    if let Some((_, lifetime)) = &tokens.refresh {
        body["refresh_expires_in"] = lifetime.as_secs().into();
    }
    match application.delivery {
        TokenDelivery::Body => {
            body["access_token"] = tokens.access.expose().into();
            if let Some((token, _)) = &tokens.refresh {
                body["refresh_token"] = token.expose().into();
            }
            if let Some(token) = &tokens.device {
                body["device_token"] = token.expose().into();
            }
            Response::json(200, &body)
        }
        TokenDelivery::Cookie => {
            let access = cookies.set_access(tokens.access.expose(), tokens.access_lifetime);
            let refresh =
                tokens.refresh.as_ref().map(|(token, lifetime)| cookies.set_refresh(token.expose(), *lifetime));
            let device = tokens.device.as_ref().map(|token| cookies.set_device(token.expose()));
            Ok(Response::json(200, &body)?.with_cookies([access]).with_cookies(refresh).with_cookies(device))
        }
    }
}
