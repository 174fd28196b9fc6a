//! A proxy in front of DynamoDB that counts what passes, and breaks it on demand.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};

use super::recorder::Recorder;

/// How long a call is held for another to join it, while calls are counted. A function that sends two calls together sends
/// the second long before, however busy the machine is.
const HELD: Duration = Duration::from_millis(60);

/// How long a call takes while DynamoDB is slow.
pub const SLOW: Duration = Duration::from_millis(800);

/// What happens to calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// They pass.
    None,
    /// They pass too, but each is held until another joins it or until it is plain that none does. So calls that are sent
    /// together overlap, and calls that wait for each other don't.
    Held,
    /// They pass, and the answer is late.
    Slow,
    /// DynamoDB throttles.
    Throttle,
    /// DynamoDB fails.
    InternalError,
    /// Nothing comes back.
    Hang,
    /// The connection is cut before DynamoDB hears of it.
    CutBefore,
    /// DynamoDB does it, and the connection is cut before the answer.
    CutAfter,
}

/// A call that passed.
#[derive(Debug, Clone)]
pub struct Call {
    pub operation: String,
    pub tables: BTreeSet<String>,
    /// X-Ray's tracing header.
    pub trace: String,
    pub read_units: f64,
    pub write_units: f64,
    started: Instant,
    finished: Instant,
}

/// How many calls waited for others: calls that were under way together count as one round trip.
pub fn round_trips(calls: &[Call]) -> usize {
    let mut calls: Vec<_> = calls.iter().map(|call| (call.started, call.finished)).collect();
    calls.sort();
    let mut trips = 0;
    let mut under_way_until = None;
    for (started, finished) in calls {
        if under_way_until.is_none_or(|until| started >= until) {
            trips += 1;
            under_way_until = Some(finished);
        }
    }
    trips
}

/// How many calls were under way at the same time, at most: while one begins, those that began before and end after it.
pub fn most_under_way(calls: &[Call]) -> usize {
    let at = |moment: Instant| calls.iter().filter(|call| call.started <= moment && moment < call.finished).count();
    calls.iter().map(|call| at(call.started)).max().unwrap_or_default()
}

/// The running proxy. It ends with the test process.
#[derive(Clone)]
pub struct Proxy {
    pub endpoint: String,
    state: Arc<Mutex<State>>,
}

struct State {
    upstream: String,
    fault: Fault,
    calls: Vec<Call>,
    recorder: Recorder,
    /// How many calls have come.
    arrivals: watch::Sender<u64>,
}

impl Proxy {
    /// Starts a proxy to `upstream` on a thread and a runtime of its own.
    pub fn start(upstream: &str) -> Self {
        let state = State {
            upstream: upstream.to_owned(),
            fault: Fault::None,
            calls: Vec::new(),
            recorder: Recorder::create(),
            arrivals: watch::Sender::new(0),
        };
        let state = Arc::new(Mutex::new(state));
        let (sender, receiver) = std::sync::mpsc::channel::<SocketAddr>();
        let served = Arc::clone(&state);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                sender.send(listener.local_addr().expect("an address")).expect("somebody waits");
                serve(listener, served).await;
            });
        });
        let address = receiver.recv().expect("the proxy starts");
        Self { endpoint: format!("http://{address}"), state }
    }

    pub fn set(&self, fault: Fault) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).fault = fault;
    }

    /// The calls since this was last asked.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).calls)
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let (state, client) = (Arc::clone(&state), client.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| pass(request, &state, &client));
            // An error is a connection that was cut, which is what some faults are.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut")
    }
}

impl std::error::Error for Cut {}

async fn pass(
    request: Request<Incoming>,
    state: &Mutex<State>,
    client: &reqwest::Client,
) -> Result<Response<Full<Bytes>>, Cut> {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let target = parts.headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = target.rsplit('.').next().unwrap_or_default();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let mut asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (upstream, fault, mut arrivals) = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.recorder.call(&parts.headers, operation, &asked);
        state.arrivals.send_modify(|count| *count += 1);
        (state.upstream.clone(), state.fault, state.arrivals.subscribe())
    };
    match fault {
        Fault::Throttle if operation == "TransactWriteItems" => return Ok(throttled_transaction()),
        Fault::Throttle => return Ok(error(400, "ThrottlingException")),
        Fault::InternalError => return Ok(error(500, "InternalServerError")),
        Fault::Hang => std::future::pending().await,
        Fault::CutBefore => return Err(Cut),
        Fault::Held => {
            // Nobody coming is as good an end of the wait as somebody.
            let _ = tokio::time::timeout(HELD, arrivals.changed()).await;
        }
        Fault::Slow => tokio::time::sleep(SLOW).await,
        Fault::None | Fault::CutAfter => {}
    }
    asked["ReturnConsumedCapacity"] = json!("TOTAL");
    let mut forwarded = client.post(upstream).body(asked.to_string());
    for name in ["content-type", "x-amz-target", "authorization", "x-amz-date"] {
        if let Some(value) = parts.headers.get(name) {
            forwarded = forwarded.header(name, value);
        }
    }
    let answer = forwarded.send().await.map_err(|_| Cut)?;
    let status = StatusCode::from_u16(answer.status().as_u16()).map_err(|_| Cut)?;
    let body = answer.bytes().await.map_err(|_| Cut)?;
    let answered = serde_json::from_slice(&body).unwrap_or_default();
    let trace = parts.headers.get("x-amzn-trace-id").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let call = Call { trace: trace.to_owned(), ..call(operation, &asked, &answered, started) };
    state.lock().unwrap_or_else(PoisonError::into_inner).calls.push(call);
    if fault == Fault::CutAfter {
        return Err(Cut);
    }
    Ok(answer_of(status, body))
}

fn call(operation: &str, asked: &Value, answer: &Value, started: Instant) -> Call {
    let consumed = match &answer["ConsumedCapacity"] {
        Value::Array(tables) => tables.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    let units: f64 = consumed.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum();
    let reads = matches!(operation, "GetItem" | "Query" | "Scan" | "BatchGetItem");
    Call {
        tables: tables(asked),
        trace: String::new(),
        read_units: if reads { units } else { 0.0 },
        write_units: if reads { 0.0 } else { units },
        operation: operation.to_owned(),
        started,
        finished: Instant::now(),
    }
}

/// The tables that a request is about.
fn tables(asked: &Value) -> BTreeSet<String> {
    let parts = asked["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object);
    let requests = parts.flat_map(|part| part.values()).chain([asked]);
    requests.filter_map(|request| request["TableName"].as_str()).map(str::to_owned).collect()
}

/// Inside a transaction, throttling is the reason of a cancellation.
fn throttled_transaction() -> Response<Full<Bytes>> {
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ThrottlingError]",
        "CancellationReasons": [{"Code": "None"}, {"Code": "ThrottlingError", "Message": "on demand"}],
    });
    answer_of(StatusCode::BAD_REQUEST, body.to_string().into())
}

fn error(status: u16, code: &str) -> Response<Full<Bytes>> {
    let body = json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "on demand"});
    answer_of(StatusCode::from_u16(status).unwrap_or_default(), body.to_string().into())
}

fn answer_of(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert("content-type", hyper::header::HeaderValue::from_static("application/x-amz-json-1.0"));
    response
}
