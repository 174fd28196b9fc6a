//! A proxy in front of DynamoDB that counts what passes, and breaks it on demand.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use http_body_util::BodyExt;
use hyper::{
    Request, StatusCode,
    body::{Bytes, Incoming},
    header::HeaderMap,
    http::request::Parts,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};

use super::{
    Fault,
    call::{Call, operation},
    fault::{self, Answer, Cut, SLOW},
    processes,
    recorder::Recorder,
    rules::{self, Rule, Rules, Seen},
};

/// How long a call is held for another to join it, while calls are counted. A function that sends two calls together sends
/// the second long before, however busy the machine is.
const HELD: Duration = Duration::from_millis(150);

/// How long a broken call waits for the others of its request.
const JOINED: Duration = Duration::from_secs(1);

/// The running proxy. It ends with the test process.
#[derive(Clone)]
pub struct Proxy {
    pub endpoint: String,
    state: Arc<Mutex<State>>,
}

struct State {
    upstream: String,
    fault: Fault,
    rules: Rules,
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
            rules: Rules::default(),
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
        lock(&self.state).fault = fault;
    }

    /// Looks at the request with `trace`, and breaks it if there is a rule.
    pub fn watch(&self, trace: &str, rule: Option<Rule>) {
        lock(&self.state).rules.watch(trace, rule);
    }

    /// What the request with `trace` has called.
    pub fn seen(&self, trace: &str) -> Seen {
        lock(&self.state).rules.seen(trace)
    }

    /// The calls since this was last asked.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut lock(&self.state).calls)
    }
}

async fn serve(listener: TcpListener, state: Arc<Mutex<State>>) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    loop {
        let Ok((stream, peer)) = listener.accept().await else {
            continue;
        };
        let ends = Ends { caller: peer.port(), proxy: listener.local_addr().map_or(0, |address| address.port()) };
        let (state, client) = (Arc::clone(&state), client.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| pass(request, ends, &state, &client));
            // An error is a connection that was cut, which is what some faults are.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn pass(
    request: Request<Incoming>,
    ends: Ends,
    state: &Mutex<State>,
    client: &reqwest::Client,
) -> Result<Answer, Cut> {
    let started = Instant::now();
    let (Parts { headers, .. }, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (fault, mut arrivals) = {
        let mut state = lock(state);
        state.recorder.call(&headers, operation(&headers), &asked);
        state.arrivals.send_modify(|count| *count += 1);
        (state.rules.come(&headers, &asked), state.arrivals.subscribe())
    };
    let trace = rules::trace(&headers).unwrap_or_default();
    // Nothing coming back is a fault that lasts until the caller goes.
    let under_way = UnderWay { state, trace, pending: fault.is_some_and(|fault| fault != Fault::Hang).into() };
    if fault.is_some() {
        under_way.alone().await;
    }
    let fault = fault.unwrap_or_else(|| lock(state).fault);
    if let Some(refusal) = fault::refusal(fault, operation(&headers)) {
        under_way.done();
        return Ok(refusal);
    }
    match fault {
        Fault::Hang => std::future::pending().await,
        Fault::CutBefore => return Err(under_way.cut()),
        Fault::KillBefore => return Err(under_way.kill(ends)),
        Fault::Held => {
            // Nobody coming is as good an end of the wait as somebody.
            let _ = tokio::time::timeout(HELD, arrivals.changed()).await;
        }
        Fault::Slow => tokio::time::sleep(SLOW).await,
        _ => {}
    }
    let upstream = lock(state).upstream.clone();
    let (status, body) = forward(client, &upstream, &headers, &asked).await?;
    let answer = serde_json::from_slice(&body).unwrap_or_default();
    lock(state).calls.push(Call::answered(&headers, &asked, &answer, started));
    match fault {
        Fault::CutAfter => Err(under_way.cut()),
        Fault::KillAfter => Err(under_way.kill(ends)),
        Fault::HalfAnswer => {
            under_way.done();
            Ok(fault::half_of(status, &body))
        }
        _ => {
            under_way.done();
            Ok(fault::answer_of(status, body))
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call that has come and not gone.
struct UnderWay<'a> {
    state: &'a Mutex<State>,
    trace: String,
    /// A fault is still to happen to it.
    pending: AtomicBool,
}

impl UnderWay<'_> {
    /// Waits until what the request has called together with this is done: what a fault of one call meets of the others is not
    /// left to chance.
    async fn alone(&self) {
        let deadline = Instant::now() + JOINED;
        tokio::time::sleep(HELD).await;
        while !lock(self.state).rules.is_alone(&self.trace) && Instant::now() < deadline {
            tokio::time::sleep(HELD / 10).await;
        }
    }

    fn done(&self) {
        self.pending.store(false, Ordering::Relaxed);
    }

    fn cut(&self) -> Cut {
        self.done();
        Cut
    }

    /// Kills the caller, which cuts the connection.
    fn kill(&self, ends: Ends) -> Cut {
        if processes::kill_caller(ends.caller, ends.proxy) { self.cut() } else { Cut }
    }
}

/// A caller that gives a call up before its fault has happened has the fault at its next attempt: one that does not happen must
/// not pass for one that did no harm.
impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut state = lock(self.state);
        if self.pending.load(Ordering::Relaxed) {
            state.rules.miss(&self.trace);
        }
        state.rules.go(&self.trace);
    }
}

/// The ports of a connection.
#[derive(Clone, Copy)]
struct Ends {
    caller: u16,
    proxy: u16,
}

/// What DynamoDB answers, with what it cost.
async fn forward(
    client: &reqwest::Client,
    upstream: &str,
    headers: &HeaderMap,
    asked: &Value,
) -> Result<(StatusCode, Bytes), Cut> {
    let mut asked = asked.clone();
    asked["ReturnConsumedCapacity"] = json!("TOTAL");
    let mut forwarded = client.post(upstream).body(asked.to_string());
    for name in ["content-type", "x-amz-target", "authorization", "x-amz-date"] {
        if let Some(value) = headers.get(name) {
            forwarded = forwarded.header(name, value);
        }
    }
    let answer = forwarded.send().await.map_err(|_| Cut)?;
    let status = StatusCode::from_u16(answer.status().as_u16()).map_err(|_| Cut)?;
    Ok((status, answer.bytes().await.map_err(|_| Cut)?))
}
