//! A small HTTP/1 server on a loopback port, for the gateway and for the Lambda Runtime API.

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// Answers are small and complete, so nothing is streamed.
pub(crate) type Answer = Response<Full<Bytes>>;

/// How long a client may take to send its request line and headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// More than API Gateway takes, so that the gateway itself can say no in API Gateway's words.
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_HEADERS: usize = 500;
/// How long to wait when no connection can be accepted, usually for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Something that answers requests.
pub(crate) trait Handler: Send + Sync + 'static {
    /// Answers one request. Every failure is an answer too.
    fn handle(&self, request: Request<Incoming>, peer: SocketAddr) -> impl Future<Output = Answer> + Send;
}

/// Binds a loopback port; 0 takes a free one.
pub(crate) async fn bind(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

/// Binds the same port of `::1`, which is what `localhost` may mean and what `cargo lambda invoke` calls; `None` without IPv6.
pub(crate) async fn bind_ipv6(port: u16) -> std::io::Result<Option<TcpListener>> {
    match TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await {
        Ok(listener) => Ok(Some(listener)),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Err(error),
        Err(_) => Ok(None),
    }
}

/// Serves connections until the task is dropped.
pub(crate) async fn serve(listener: TcpListener, handler: Arc<impl Handler>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => drop(tokio::spawn(serve_connection(stream, peer, Arc::clone(&handler)))),
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn serve_connection(stream: TcpStream, peer: SocketAddr, handler: Arc<impl Handler>) {
    // Answers are one small packet each; waiting for more would only add latency.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| async { Ok::<_, Infallible>(handler.handle(request, peer).await) });
    // A connection that fails has a client that went away or spoke no HTTP: hyper has answered what could be answered.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// An answer with a JSON body.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    let content_type = hyper::header::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(hyper::header::CONTENT_TYPE, content_type);
    answer
}
