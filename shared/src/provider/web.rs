//! Requests to providers, held within bounds: no redirect is followed, no answer is read past its bound, and nothing goes over a
//! network in the clear.

use std::{pin::Pin, time::Duration};

use openidconnect::{
    AsyncHttpClient, HttpRequest, HttpResponse,
    http::{HeaderValue, StatusCode, header, uri::InvalidUri},
};
use reqwest::{Client, Url, redirect::Policy};
use serde::de::DeserializeOwned;

use super::ProviderError;

/// The largest answer that is read, in bytes. The largest key set of the well-known providers has 20 000.
const MAX_ANSWER: usize = 256 * 1024;

/// Until a connection stands.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A provider was not reached, or answered beyond the bounds.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// The address is not HTTPS, and not on this machine either.
    #[error("{0} is not an https:// URL")]
    Clear(String),
    /// The answer is too long.
    #[error("the answer is longer than {MAX_ANSWER} bytes")]
    TooLong,
    /// The request failed.
    #[error("the request failed")]
    Failed(#[from] reqwest::Error),
}

/// What sends requests.
#[derive(Debug, Clone)]
pub(super) struct Web {
    client: Client,
    /// Whether plain HTTP on this machine will do: for a provider that is configured so.
    local: bool,
}

impl Web {
    /// Connects at the first request.
    ///
    /// # Errors
    ///
    /// If there is no TLS to be had.
    pub(super) fn new() -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .redirect(Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent("gatelet")
            .no_proxy()
            .build()?;
        Ok(Self { client, local: false })
    }

    /// The same, for plain HTTP on this machine too, or not.
    pub(super) fn allowing_local(&self, local: bool) -> Self {
        Self { client: self.client.clone(), local }
    }

    /// Sends `request` and reads its answer.
    pub(super) async fn send(&self, request: HttpRequest) -> Result<HttpResponse, WebError> {
        let request = reqwest::Request::try_from(request)?;
        if request.url().scheme() != "https" && !(self.local && is_local(request.url())) {
            return Err(WebError::Clear(origin(request.url())));
        }
        let mut response = self.client.execute(request).await?;
        let mut answer = HttpResponse::new(Vec::new());
        *answer.status_mut() = response.status();
        *answer.headers_mut() = response.headers().clone();
        while let Some(chunk) = response.chunk().await? {
            if answer.body().len() + chunk.len() > MAX_ANSWER {
                return Err(WebError::TooLong);
            }
            answer.body_mut().extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

impl<'c> AsyncHttpClient<'c> for Web {
    type Error = WebError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, WebError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// The JSON document at `url`, shown to whoever has the token `bearer`.
pub(super) async fn fetch<T: DeserializeOwned>(
    web: &Web,
    url: &str,
    bearer: Option<&str>,
    what: &'static str,
) -> Result<T, ProviderError> {
    let mut request = HttpRequest::new(Vec::new());
    *request.uri_mut() = url.parse().map_err(|error: InvalidUri| ProviderError::unusable(what, Some(error.into())))?;
    request.headers_mut().insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    if let Some(token) = bearer {
        let value = HeaderValue::from_str(&format!("Bearer {token}"));
        let value = value.map_err(|_| ProviderError::unusable("token response", None))?;
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    let answer = web.send(request).await?;
    if answer.status() != StatusCode::OK {
        return Err(ProviderError::unusable(what, Some(format!("its status is {}", answer.status()).into())));
    }
    // What the parser says may repeat what it has read: its place must do.
    serde_json::from_slice(answer.body()).map_err(|error| {
        let place = format!("it can't be read from line {}, column {} on", error.line(), error.column());
        ProviderError::unusable(what, Some(place.into()))
    })
}

/// Where a URL leads, without what may be a secret in it.
fn origin(url: &Url) -> String {
    format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default())
}

/// Whether `url` is plain HTTP that does not leave this machine.
pub(super) fn is_local(url: &Url) -> bool {
    url.scheme() == "http" && matches!(url.host_str(), Some("127.0.0.1" | "localhost"))
}
