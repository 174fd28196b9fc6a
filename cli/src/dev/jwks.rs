//! The keys that an issuer publishes, found as API Gateway finds them: discovery document, `jwks_uri`, keys.
//!
//! The issuer of a local stack is on this machine, so that this speaks plain HTTP only.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper::{Request, StatusCode, Uri, header};
use hyper_util::rt::TokioIo;
use jsonwebtoken::jwk::JwkSet;
use serde_json::Value;
use std::error::Error;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A function that starts first may take its time.
const TIMEOUT: Duration = Duration::from_secs(10);
const MAX_BYTES: usize = 1024 * 1024;

/// The keys can't be had.
#[derive(Debug, thiserror::Error)]
#[error("the issuer `{issuer}` does not show its keys: {reason}")]
pub(crate) struct Unavailable {
    issuer: String,
    reason: String,
}

/// Asks `issuer` for its keys.
pub(crate) async fn published_by(issuer: &str) -> Result<JwkSet, Unavailable> {
    let unavailable = |reason: String| Unavailable { issuer: issuer.to_owned(), reason };
    let asked = timeout(TIMEOUT, ask(issuer)).await;
    asked.map_err(|_| unavailable("it takes too long".to_owned()))?.map_err(|error| unavailable(error.to_string()))
}

async fn ask(issuer: &str) -> Result<JwkSet, Box<dyn Error + Send + Sync>> {
    let document = get(&format!("{issuer}/.well-known/openid-configuration")).await?;
    let document: Value = serde_json::from_slice(&document)?;
    if document["issuer"] != issuer {
        return Err(format!("it calls itself {}", document["issuer"]).into());
    }
    let keys = get(document["jwks_uri"].as_str().ok_or("it names no `jwks_uri`")?).await?;
    Ok(serde_json::from_slice(&keys)?)
}

async fn get(url: &str) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
    let url: Uri = url.parse()?;
    if url.scheme_str() != Some("http") {
        return Err(format!("{url} is not plain HTTP, which is all that the local stack speaks").into());
    }
    let authority = url.authority().ok_or("no host")?;
    let stream = TcpStream::connect((authority.host(), authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path).header(header::HOST, authority.as_str()).body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    if answer.status() != StatusCode::OK {
        return Err(format!("{url} answers {}", answer.status()).into());
    }
    Ok(Limited::new(answer.into_body(), MAX_BYTES).collect().await?.to_bytes())
}
