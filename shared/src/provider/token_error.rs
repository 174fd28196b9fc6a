//! What a token endpoint's refusal means.

use oauth2::{
    RequestTokenError, StandardErrorResponse,
    basic::{BasicErrorResponse, BasicErrorResponseType},
};

use super::{ProviderError, web::HttpError};

type TokenError = RequestTokenError<HttpError, StandardErrorResponse<BasicErrorResponseType>>;

/// A code that is made up, used or old is the caller's fault (RFC 6749 §5.2). Anything else is the provider's, or a matter of
/// configuration, and logged with the provider's own name for it.
pub(super) fn token_error(error: TokenError) -> ProviderError {
    match error {
        RequestTokenError::ServerResponse(refusal) => refused(&refusal),
        RequestTokenError::Request(error) => error.into(),
        // GitHub refuses with 200.
        RequestTokenError::Parse(error, body) => {
            if let Ok(refusal) = serde_json::from_slice::<BasicErrorResponse>(&body) {
                return refused(&refusal);
            }
            // What the parser says may repeat a claim of the ID token: its place must do.
            let place = format!("it can't be read at {}", error.path());
            ProviderError::unusable("token response", Some(place.into()))
        }
        RequestTokenError::Other(reason) => ProviderError::unusable("token response", Some(reason.into())),
    }
}

fn refused(refusal: &BasicErrorResponse) -> ProviderError {
    match refusal.error() {
        BasicErrorResponseType::InvalidGrant => ProviderError::Code,
        BasicErrorResponseType::Extension(name) if name == "bad_verification_code" => ProviderError::Code,
        // Its name for the error, cut: the description may repeat what was sent.
        other => {
            let name: String = other.to_string().chars().take(64).collect();
            ProviderError::Refused(name.into())
        }
    }
}
