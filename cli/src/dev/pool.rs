//! The instances of one function: real processes of its real binary, started when invocations overlap, killed when they overrun.

use super::instance::{self, Clock, Limit, Phase};
use super::log::Log;
use super::queue::{InstanceId, Outcome, Queue, Work};
use super::record::Record;
use super::resources::Function;
use super::trace::Trace;
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// How long an instance may take before it asks for work: more than on Lambda, for unoptimised binaries on a busy machine.
const INIT_TIMEOUT: Duration = Duration::from_mins(1);
/// What Lambda gives.
const LAMBDA_INIT_TIMEOUT: Duration = Duration::from_secs(10);

/// What a pool needs to start instances.
pub(crate) struct Launch {
    pub(crate) function: Function,
    pub(crate) binary: PathBuf,
    pub(crate) environment: BTreeMap<String, String>,
    /// Where the Lambda Runtime API listens.
    pub(crate) runtime: SocketAddr,
    pub(crate) log: Arc<Log>,
    pub(crate) record: Arc<Record>,
    pub(crate) max_instances: usize,
}

/// Whether a function can serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Health {
    Starting,
    /// An instance has come through its init phase.
    Ready,
    /// The first instance died in its init phase; the last lines that it wrote.
    Broken(String),
}

/// One function and its instances.
pub(crate) struct Pool {
    pub(crate) launch: Launch,
    queue: Mutex<Queue>,
    clocks: Mutex<HashMap<InstanceId, Clock>>,
    health: watch::Sender<Health>,
}

impl Pool {
    /// A pool without any instance yet.
    pub(crate) fn new(launch: Launch) -> Arc<Self> {
        let queue = Mutex::new(Queue::new(launch.max_instances));
        let (health, _) = watch::channel(Health::Starting);
        Arc::new(Self { launch, queue, clocks: Mutex::default(), health })
    }

    /// The function.
    pub(crate) fn function(&self) -> &Function {
        &self.launch.function
    }

    /// Starts a first instance, so that nobody's first request waits for it.
    pub(crate) fn warm_up(self: &Arc<Self>) {
        let id = self.queue().add();
        self.start(id);
    }

    /// Waits until the first instance has come through its init phase, or not.
    pub(crate) async fn settled(&self) -> Health {
        let mut health = self.health.subscribe();
        let settled = health.wait_for(|health| *health != Health::Starting).await;
        settled.map_or(Health::Starting, |health| health.clone())
    }

    /// Invokes the function. Goes on to its end even if the returned future is dropped, as on Lambda.
    pub(crate) async fn invoke(self: &Arc<Self>, event: Bytes, trace: &Trace) -> Outcome {
        let work = Work { request_id: uuid::Uuid::new_v4().to_string(), trace: trace.for_runtime(), event };
        self.launch.record.event(self.function(), &work.request_id, &work.event);
        let outcome = self.queue().submit(work);
        self.start_wanted();
        outcome.await.unwrap_or(Outcome::Died)
    }

    /// An instance has come through its init phase or has finished, and asks for work.
    pub(super) fn next(&self, id: InstanceId) -> Option<oneshot::Receiver<Work>> {
        let work = self.queue().next(id)?;
        self.note_init(self.set_limit(id, None));
        self.health.send_if_modified(|health| {
            let first = *health == Health::Starting;
            if first {
                *health = Health::Ready;
            }
            first
        });
        Some(work)
    }

    /// The instance has received its work: the function's time begins.
    pub(super) fn begin(&self, id: InstanceId) {
        self.set_limit(id, Some(Limit::new(Phase::Invocation, self.launch.function.timeout)));
    }

    /// The instance has an outcome for `request_id`. False if it was not asked.
    pub(super) fn finish(&self, id: InstanceId, request_id: &str, outcome: Outcome) -> bool {
        let Some(reply) = self.queue().finish(id, request_id) else {
            return false;
        };
        if let Outcome::Answered(payload) | Outcome::Failed(payload) = &outcome {
            self.launch.record.outcome(self.function(), request_id, payload);
        }
        // Lambda's clock runs until the instance asks for work again: one that hangs after its answer must not be waited for.
        self.set_limit(id, Some(Limit::new(Phase::Return, self.launch.function.timeout)));
        // The caller may have gone, which is no concern of the function's.
        let _ = reply.send(outcome);
        true
    }

    fn start_wanted(self: &Arc<Self>) {
        std::iter::from_fn(|| self.queue().wanted()).for_each(|id| self.start(id));
    }

    fn start(self: &Arc<Self>, id: InstanceId) {
        let (clock, limit) = watch::channel(Some(Limit::new(Phase::Init, INIT_TIMEOUT)));
        self.clocks().insert(id, clock);
        let pool = Arc::clone(self);
        tokio::spawn(async move {
            let end = instance::run(&pool.launch, id, limit).await;
            pool.bury(id, end);
        });
    }

    fn bury(self: &Arc<Self>, id: InstanceId, end: instance::End) {
        self.clocks().remove(&id);
        let outcome = if end.overran { Outcome::TimedOut } else { Outcome::Died };
        self.queue().bury(id, outcome);
        self.health.send_if_modified(|health| {
            let first = *health == Health::Starting;
            if first {
                *health = Health::Broken(end.last_words);
            }
            first
        });
        self.start_wanted();
    }

    /// The limit before.
    fn set_limit(&self, id: InstanceId, limit: Option<Limit>) -> Option<Limit> {
        self.clocks().get(&id).and_then(|clock| clock.send_replace(limit))
    }

    /// Says so if Lambda would not have waited for an init phase.
    fn note_init(&self, limit: Option<Limit>) {
        let init = limit.filter(|limit| limit.phase == Phase::Init).map(|limit| limit.elapsed());
        if let Some(took) = init.filter(|took| *took > LAMBDA_INIT_TIMEOUT) {
            let warning = format!("warning: its init phase took {took:.1?}; Lambda allows {LAMBDA_INIT_TIMEOUT:?}");
            self.launch.log.line(&self.launch.function.label, &warning);
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn clocks(&self) -> MutexGuard<'_, HashMap<InstanceId, Clock>> {
        self.clocks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
impl Pool {
    /// A pool whose instances are played by a test: it starts no process.
    pub(crate) fn of_test(function: Function) -> Arc<Self> {
        Self::new(Launch {
            function,
            binary: PathBuf::new(),
            environment: BTreeMap::new(),
            runtime: SocketAddr::from(([127, 0, 0, 1], 0)),
            log: Arc::new(Log::discarded()),
            record: Arc::new(Record::open(None).unwrap()),
            max_instances: 1,
        })
    }

    /// The instance that a test plays.
    pub(crate) fn add_test_instance(&self) -> InstanceId {
        self.queue().add()
    }
}

#[cfg(test)]
#[cfg(unix)]
#[path = "pool_tests.rs"]
mod tests;
