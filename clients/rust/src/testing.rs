//! What the unit tests share: a clock that stands, and a server that answers what it is told to.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{Router, body::Bytes, http::HeaderMap, response::Response};
use tokio::{
    net::TcpListener,
    sync::{OwnedRwLockWriteGuard, RwLock},
};

use crate::Clock;

/// A moment at which every test begins.
pub(crate) const START: u64 = 1_795_294_173;

/// A clock that stands until it is moved. Copies of it go alike.
#[derive(Clone)]
pub(crate) struct Stopped(Arc<AtomicU64>);

impl Stopped {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(START)))
    }

    pub(crate) fn advance(&self, time: Duration) {
        self.0.fetch_add(time.as_secs(), Ordering::Relaxed);
    }

    pub(crate) fn put_back(&self, time: Duration) {
        self.0.fetch_sub(time.as_secs(), Ordering::Relaxed);
    }
}

impl Clock for Stopped {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

/// What a server was sent.
#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// A server on this machine that records what it is sent. It ends with the test's runtime.
pub(crate) struct Server {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
    hold: Hold,
}

/// Whoever passes here waits while a test holds it.
#[derive(Clone, Default)]
pub(crate) struct Hold(Arc<RwLock<()>>);

impl Hold {
    pub(crate) async fn close(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.0).write_owned().await
    }

    pub(crate) async fn pass(&self) {
        drop(self.0.read().await);
    }
}

/// Lets everything else go on until this is so.
pub(crate) async fn until(condition: impl Fn() -> bool) {
    while !condition() {
        tokio::task::yield_now().await;
    }
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&Received) -> Response + Clone + Send + Sync + 'static) -> Self {
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let kept = Arc::clone(&received);
        let hold = Hold::default();
        let passing = hold.clone();
        let handler = move |request: axum::http::Request<axum::body::Body>| {
            let (answer, kept, passing) = (answer.clone(), Arc::clone(&kept), passing.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                let body = String::from_utf8_lossy(&body).into_owned();
                let received = Received { path: parts.uri.path().to_owned(), headers: parts.headers, body };
                kept.lock().unwrap().push(received.clone());
                // So that what is sent at the same time overlaps.
                tokio::task::yield_now().await;
                passing.pass().await;
                answer(&received)
            }
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
        Self { url, received, hold }
    }

    /// Nothing is answered while this is kept.
    pub(crate) async fn hold(&self) -> OwnedRwLockWriteGuard<()> {
        self.hold.close().await
    }

    /// Waits until this many requests have arrived.
    pub(crate) async fn until(&self, requests: usize) {
        until(|| self.count() >= requests).await;
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.received.lock().unwrap().len()
    }
}

/// A body.
pub(crate) struct Text(String);

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<serde_json::Value> for Text {
    fn from(json: serde_json::Value) -> Self {
        Self(json.to_string())
    }
}

/// An answer with a body of JSON.
pub(crate) fn answer(status: u16, body: impl Into<Text>) -> Response {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(body.into().0.into()).unwrap()
}

/// The same with one more header.
pub(crate) fn answer_with(status: u16, body: impl Into<Text>, name: &'static str, value: &'static str) -> Response {
    let mut response = answer(status, body);
    response.headers_mut().insert(name, value.parse().unwrap());
    response
}

/// Something that a test changes while the server reads it.
#[derive(Clone, Default)]
pub(crate) struct Shared<T>(Arc<Mutex<T>>);

impl<T: Clone> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Arc::new(Mutex::new(value)))
    }

    pub(crate) fn get(&self) -> T {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn set(&self, value: T) {
        *self.0.lock().unwrap() = value;
    }
}
