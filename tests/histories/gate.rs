//! DynamoDB behind a gate: calls about users and sessions wait until they are let through, one at a time, in the order that
//! the test chooses. Between two of them nothing runs, so that a history is the same whenever it is repeated.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
};

use aws_sdk_dynamodb::{
    Client,
    config::{
        BehaviorVersion, Credentials, HttpClient, Region, RuntimeComponents, SharedHttpClient,
        http::{HttpRequest, HttpResponse},
        retry::RetryConfig,
    },
};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use dynoxide::Database;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// A call that waits.
pub struct Call {
    /// Which of the test's requests makes it.
    pub of: usize,
    /// `GetItem` and the like.
    pub operation: String,
    /// The table, without the stack's name.
    pub table: String,
    body: Vec<u8>,
    answer: Slot,
}

type Slot = Arc<Mutex<Option<(u16, String)>>>;

/// The gate.
#[derive(Clone)]
pub struct Gate(Arc<Mutex<State>>);

struct State {
    database: Database,
    /// Which request runs; calls of none are not held.
    running: Option<usize>,
    waiting: Vec<Call>,
}

impl Gate {
    pub fn before(database: Database) -> Self {
        Self(Arc::new(Mutex::new(State { database, running: None, waiting: Vec::new() })))
    }

    /// A client that goes through it. It neither retries nor looks at the clock.
    pub fn client(&self) -> Client {
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new("local", "local", None, None, "test"))
            .region(Region::new("eu-central-1"))
            .endpoint_url("http://database.invalid")
            .retry_config(RetryConfig::disabled())
            .http_client(SharedHttpClient::new(self.clone()));
        Client::from_conf(config.build())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on calls are of this request.
    pub fn run(&self, request: Option<usize>) {
        self.state().running = request;
    }

    /// How many calls wait.
    pub fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// Forgets whatever was under way.
    pub fn reset(&self) {
        let mut state = self.state();
        state.running = None;
        state.waiting.clear();
    }

    /// Forgets the calls of a request that died.
    pub fn forget(&self, request: usize) {
        self.state().waiting.retain(|call| call.of != request);
    }

    /// Performs a waiting call, and answers it.
    pub fn release(&self, at: usize) -> Call {
        let mut state = self.state();
        let call = state.waiting.remove(at);
        let answer = perform(&state.database, &call.operation, &call.body);
        *call.answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(answer);
        call
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}

impl HttpClient for Gate {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Gate {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let body = request.body().bytes().unwrap_or_default().to_vec();
        let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
        let table = asked["TableName"].as_str().unwrap_or_default();
        let table = table.rsplit('-').next().unwrap_or_default().to_owned();
        let answer = Slot::default();
        let mut state = self.state();
        match state.running {
            Some(of) if ["users", "sessions"].contains(&table.as_str()) => {
                state.waiting.push(Call { of, operation, table, body, answer: Arc::clone(&answer) });
            }
            _ => {
                *answer.lock().unwrap_or_else(PoisonError::into_inner) =
                    Some(perform(&state.database, &operation, &body));
            }
        }
        drop(state);
        HttpConnectorFuture::new(poll_fn(move |_| {
            let Some((status, body)) = answer.lock().unwrap_or_else(PoisonError::into_inner).take() else {
                return Poll::Pending;
            };
            let status = status.try_into().expect("a status");
            let mut response = HttpResponse::new(status, body.into());
            response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
            Poll::Ready(Ok(response))
        }))
    }
}

fn perform(database: &Database, operation: &str, body: &[u8]) -> (u16, String) {
    match operation {
        "GetItem" => answer(body, |request| database.get_item(request)),
        "UpdateItem" => answer(body, |request| database.update_item(request)),
        "PutItem" => answer(body, |request| database.put_item(request)),
        "DeleteItem" => answer(body, |request| database.delete_item(request)),
        "Query" => answer(body, |request| database.query(request)),
        "TransactWriteItems" => answer(body, |request| database.transact_write_items(request)),
        other => panic!("the histories make no {other}"),
    }
}

fn answer<Q: DeserializeOwned, A: Serialize>(
    body: &[u8],
    perform: impl FnOnce(Q) -> dynoxide::Result<A>,
) -> (u16, String) {
    match perform(serde_json::from_slice(body).expect("a request that the SDK made")) {
        Ok(answer) => (200, serde_json::to_string(&answer).expect("JSON")),
        Err(error) => (error.status_code(), error.to_json()),
    }
}
