//! OAuth 2 without OpenID Connect (RFC 6749 §4.1): an access token, and a resource that says whose it is. GitHub is of this kind.

use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, ClientSecret, CsrfToken, RedirectUrl, Scope, TokenResponse, TokenUrl,
    basic::BasicClient,
};
use serde_json::Value;

use super::{
    ProviderError, Request,
    settings::Endpoints,
    token_error::token_error,
    web::{HttpClient, fetch},
};
use crate::{
    identity::{Assertion, Email},
    secret::Secret,
};

/// Where the browser goes to sign in.
pub(super) fn authorization_url(endpoints: &Endpoints, request: &Request<'_>) -> String {
    let client = BasicClient::new(request.client_id())
        .set_auth_uri(AuthUrl::from_url(endpoints.authorization.clone()))
        .set_redirect_uri(RedirectUrl::from_url(request.redirect_uri.clone()));
    let state = request.state.expose().to_owned();
    let mut url = client
        .authorize_url(|| CsrfToken::new(state))
        .set_pkce_challenge(request.code_challenge())
        .add_scopes(request.settings.scopes.iter().cloned().map(Scope::new));
    if let Some(prompt) = request.prompt {
        url = url.add_extra_param("prompt", prompt);
    }
    url.url().0.into()
}

/// Who has signed in, as `code` proves.
pub(super) async fn redeem(
    endpoints: &Endpoints,
    code: String,
    client_secret: &Secret,
    request: &Request<'_>,
    web: &HttpClient,
) -> Result<Assertion, ProviderError> {
    let client = BasicClient::new(request.client_id())
        .set_client_secret(ClientSecret::new(client_secret.expose().to_owned()))
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(TokenUrl::from_url(endpoints.token.clone()))
        .set_redirect_uri(RedirectUrl::from_url(request.redirect_uri.clone()));
    let tokens = client
        .exchange_code(AuthorizationCode::new(code))
        .set_pkce_verifier(request.code_verifier())
        .request_async(web)
        .await
        .map_err(token_error)?;
    let bearer = Some(tokens.access_token().secret().as_str());
    let user: Value = fetch(web, endpoints.userinfo.as_str(), bearer, "user info").await?;
    let subject =
        subject(&user[endpoints.subject.as_str()]).ok_or_else(|| ProviderError::unusable("user info", None))?;
    let text = |name: &String| user[name.as_str()].as_str().map(str::to_owned);
    let verified = |name: &String| user[name.as_str()].as_bool();
    let email = endpoints.email.as_ref().and_then(text).map(|address| Email {
        address,
        verified: endpoints.email_verified.as_ref().and_then(verified).unwrap_or(false),
    });
    request.assertion(&subject, email)
}

/// A subject is a text, or a whole number, as GitHub's ids are.
fn subject(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => number.as_u64().map(|number| number.to_string()),
        _ => None,
    }
}
