//! Asking the authentication server: bounded in time and in size.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, StatusCode, header};
use reqwest::{Client, ClientBuilder, RequestBuilder, redirect::Policy};

use crate::issuer::BuildError;

/// How long a request may take, its answer included.
pub const TIMEOUT: Duration = Duration::from_secs(5);

/// How large an answer may be, in bytes. A set of keys has about 300 for each key.
pub const ANSWER_LIMIT: usize = 256 * 1024;

/// The wait that is proposed to a caller when the server has proposed none.
const SOON: Duration = Duration::from_secs(1);

/// The authentication server gave no answer that decides anything: it may well be that the token is good. The same may be asked
/// again later.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the authentication server gave no usable answer")]
pub struct Unavailable {
    #[source]
    reason: Arc<Reason>,
    retry_after: Option<Duration>,
}

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("no answer")]
    Network(#[source] reqwest::Error),
    #[error("no answer within {TIMEOUT:?}")]
    TimedOut,
    #[error("an answer of more than {ANSWER_LIMIT} bytes")]
    TooLarge,
    #[error("status {0}")]
    Status(StatusCode),
    #[error("an answer that is not {0}")]
    Unreadable(&'static str),
}

impl Unavailable {
    /// How long to wait before asking again, as the server says; else a second.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        self.retry_after.unwrap_or(SOON)
    }

    /// How long the server says to wait.
    pub(crate) const fn proposed_wait(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The same, with this wait at least.
    pub(crate) fn proposing(self, wait: Duration) -> Self {
        let retry_after = Some(self.retry_after.map_or(wait, |proposed| proposed.max(wait)));
        Self { retry_after, ..self }
    }

    /// The same, with this wait instead.
    pub(crate) fn waiting(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    /// An answer that is not what it should be.
    pub(crate) fn not(what: &'static str) -> Self {
        Reason::Unreadable(what).into()
    }
}

impl From<Reason> for Unavailable {
    fn from(reason: Reason) -> Self {
        Self { reason: Arc::new(reason), retry_after: None }
    }
}

/// An answer that has arrived whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// This answer, unless it says that the server could not decide.
    fn decided(self) -> Result<Self, Unavailable> {
        let undecided = self.status.is_server_error()
            || matches!(self.status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
        if !undecided {
            return Ok(self);
        }
        Err(Unavailable { reason: Arc::new(Reason::Status(self.status)), retry_after: retry_after(&self.headers) })
    }
}

/// The seconds of `Retry-After` (RFC 9110 §10.2.3). A date is for caches; the server sends none.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The way to the server.
#[derive(Clone)]
pub(crate) struct Transport(Client);

impl Transport {
    pub(crate) fn new(client: Option<ClientBuilder>) -> Result<Self, BuildError> {
        // A redirect would carry the API key to wherever it points, and the body if it is 307 or 308.
        Ok(Self(client.unwrap_or_default().redirect(Policy::none()).build()?))
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.0
    }

    /// The answer to `request`, if it decides anything.
    pub(crate) async fn ask(&self, request: RequestBuilder) -> Result<Answer, Unavailable> {
        let answer = tokio::time::timeout(TIMEOUT, whole(request)).await.map_err(|_| Reason::TimedOut)??;
        answer.decided()
    }
}

async fn whole(request: RequestBuilder) -> Result<Answer, Reason> {
    let mut response = request.send().await.map_err(Reason::Network)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Reason::Network)? {
        if body.len() + chunk.len() > ANSWER_LIMIT {
            return Err(Reason::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status: response.status(), headers: std::mem::take(response.headers_mut()), body })
}
