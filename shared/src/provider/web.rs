//! Requests to providers, held within bounds: no redirect is followed, no answer is read past its bound, and nothing goes over a
//! network in the clear.

use std::{pin::Pin, time::Duration};

use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector, HttpConnectorSettings, SharedHttpConnector},
    orchestrator,
};
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;
use openidconnect::{
    AsyncHttpClient, HttpRequest, HttpResponse,
    http::{HeaderValue, StatusCode, header, uri::InvalidUri},
};
use serde::de::DeserializeOwned;
use url::Url;

use super::ProviderError;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// The largest answer that is read, in bytes. The largest key set of the well-known providers has 20 000.
const MAX_ANSWER: usize = 256 * 1024;

/// Until a connection stands.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A provider was not reached, or answered beyond the bounds.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is not HTTPS, and not on this machine either.
    #[error("{0} is not an https:// URL")]
    Clear(String),
    /// The answer is too long.
    #[error("the answer is longer than {MAX_ANSWER} bytes")]
    TooLong,
    /// The request failed.
    #[error("the request failed")]
    Failed(#[source] Source),
}

/// What sends requests.
#[derive(Debug, Clone)]
pub(super) struct HttpClient {
    connector: SharedHttpConnector,
    /// Whether plain HTTP on this machine will do: for a provider that is configured so.
    local: bool,
}

impl HttpClient {
    /// Connects at the first request. The connector is the SDK's, which is in every function already: it follows no redirect and knows
    /// no proxy.
    pub(super) fn new() -> Self {
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).build();
        let connector =
            Connector::builder().connector_settings(settings).tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        Self { connector: SharedHttpConnector::new(connector.build()), local: false }
    }

    /// The same, for plain HTTP on this machine too, or not.
    pub(super) fn allowing_local(&self, local: bool) -> Self {
        Self { connector: self.connector.clone(), local }
    }

    /// Whether a request may go to `url`: over TLS, or not over a network.
    pub(super) fn allows(&self, url: &Url) -> bool {
        url.scheme() == "https" || self.local && is_local(url)
    }

    /// Sends `request` and reads its answer.
    pub(super) async fn send(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let url = Url::parse(&request.uri().to_string()).map_err(|error| HttpError::Failed(error.into()))?;
        if !self.allows(&url) {
            return Err(HttpError::Clear(origin(&url)));
        }
        // GitHub wants one.
        request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static("gatelet"));
        let request = orchestrator::HttpRequest::try_from(request.map(SdkBody::from));
        let request = request.map_err(|error| HttpError::Failed(error.into()))?;
        let response = self.connector.call(request).await.map_err(|error| HttpError::Failed(error.into()))?;
        let response = response.try_into_http1x().map_err(|error| HttpError::Failed(error.into()))?;
        let (parts, mut body) = response.into_parts();
        let mut answer = HttpResponse::new(Vec::new());
        *answer.status_mut() = parts.status;
        *answer.headers_mut() = parts.headers;
        while let Some(frame) = body.frame().await {
            let Ok(chunk) = frame.map_err(HttpError::Failed)?.into_data() else { continue };
            if answer.body().len() + chunk.len() > MAX_ANSWER {
                return Err(HttpError::TooLong);
            }
            answer.body_mut().extend_from_slice(&chunk);
        }
        Ok(answer)
    }
}

impl<'c> AsyncHttpClient<'c> for HttpClient {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// The JSON document at `url`, shown to whoever has the token `bearer`.
pub(super) async fn fetch<T: DeserializeOwned>(
    web: &HttpClient,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_goes_anywhere_in_the_clear() {
        let (deployed, local) = (HttpClient::new(), HttpClient::new().allowing_local(true));
        for (client, url) in [
            (&deployed, "http://127.0.0.1:9001/2018-06-01/runtime/invocation/next"),
            (&deployed, "http://localhost/"),
            (&deployed, "http://accounts.example/"),
            (&local, "http://169.254.170.2/v2/credentials"),
            (&local, "http://127.0.0.1.example/"),
            (&local, "http://[::1]/"),
        ] {
            let mut request = HttpRequest::new(Vec::new());
            *request.uri_mut() = url.parse().unwrap();
            let error = client.send(request).await.unwrap_err();
            assert!(matches!(error, HttpError::Clear(_)), "{url}: {error}");
        }
    }
}
