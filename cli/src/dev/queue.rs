//! Who works for whom: the bookkeeping of one function's instances, without any I/O.
//!
//! As Lambda does: an instance has one invocation at a time; an invocation that finds nobody free is what starts another instance, up to
//! a limit; what has waited longest is served first. Instances come to the door themselves (`GET …/invocation/next`), so all that there
//! is to decide is who gets what when somebody knocks, leaves, or dies.

use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use tokio::sync::oneshot;

/// What an instance is given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Work {
    pub(crate) request_id: String,
    /// The tracing header.
    pub(crate) trace: String,
    pub(crate) event: Bytes,
}

/// How an invocation ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The function's answer.
    Answered(Bytes),
    /// The error that the function reported.
    Failed(Bytes),
    /// The instance was gone before it had answered.
    Died,
    /// The function's `Timeout` passed.
    TimedOut,
}

/// An invocation that nobody has taken yet.
struct Waiting {
    work: Work,
    reply: oneshot::Sender<Outcome>,
}

/// What an instance is doing.
enum Phase {
    /// Starting, or between an answer and its next call: it will come for work without being asked.
    Away {
        has_worked: bool,
    },
    /// At the door.
    Idle(oneshot::Sender<Work>),
    Busy {
        request_id: String,
        reply: oneshot::Sender<Outcome>,
    },
}

/// Names one instance of a function. Unguessable, because whoever knows it can answer in the instance's place.
pub(crate) type InstanceId = uuid::Uuid;

/// The waiting invocations and the living instances of one function.
pub(crate) struct Queue {
    limit: usize,
    waiting: VecDeque<Waiting>,
    instances: HashMap<InstanceId, Phase>,
    /// Last in, first out, so that surplus instances stay cold.
    idle: Vec<InstanceId>,
}

impl Queue {
    /// An empty queue for at most `limit` instances.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, waiting: VecDeque::new(), instances: HashMap::new(), idle: Vec::new() }
    }

    /// Hands `work` to an idle instance, or lets it wait.
    pub(crate) fn submit(&mut self, work: Work) -> oneshot::Receiver<Outcome> {
        let (reply, outcome) = oneshot::channel();
        let mut waiting = Waiting { work, reply };
        while let Some(id) = self.idle.pop() {
            match self.hand_over(id, waiting) {
                Ok(()) => return outcome,
                Err(refused) => waiting = refused,
            }
        }
        self.waiting.push_back(waiting);
        outcome
    }

    /// Whether another instance should be started, and under which id. Ask again until it says no.
    pub(crate) fn wanted(&mut self) -> Option<InstanceId> {
        let coming = self.instances.values().filter(|phase| matches!(phase, Phase::Away { .. })).count();
        (coming < self.waiting.len() && self.instances.len() < self.limit).then(|| self.add())
    }

    /// Notes an instance that is being started.
    pub(crate) fn add(&mut self) -> InstanceId {
        let id = InstanceId::new_v4();
        self.instances.insert(id, Phase::Away { has_worked: false });
        id
    }

    /// An instance asks for work; `None` if it is not one of ours.
    pub(crate) fn next(&mut self, id: InstanceId) -> Option<oneshot::Receiver<Work>> {
        let phase = self.instances.get_mut(&id)?;
        let (door, work) = oneshot::channel();
        if let Phase::Busy { reply, .. } = std::mem::replace(phase, Phase::Idle(door)) {
            // It asks again without having answered: that answer will never come.
            let _ = reply.send(Outcome::Died);
        }
        self.idle.retain(|idle| *idle != id);
        match self.waiting.pop_front() {
            None => self.idle.push(id),
            Some(waiting) => {
                if let Err(refused) = self.hand_over(id, waiting) {
                    self.waiting.push_front(refused);
                }
            }
        }
        Some(work)
    }

    /// The instance has finished `request_id`; `None` if it was not working on that.
    pub(crate) fn finish(&mut self, id: InstanceId, request_id: &str) -> Option<oneshot::Sender<Outcome>> {
        let phase = self.instances.get_mut(&id)?;
        match std::mem::replace(phase, Phase::Away { has_worked: true }) {
            Phase::Busy { request_id: current, reply } if current == request_id => Some(reply),
            other => {
                *phase = other;
                None
            }
        }
    }

    /// The instance is gone. Whoever it worked for learns `outcome`; if it never got as far as asking for work, that is the invocation that
    /// has waited longest, because a function which can't start would otherwise be started for ever.
    pub(crate) fn bury(&mut self, id: InstanceId, outcome: Outcome) {
        self.idle.retain(|idle| *idle != id);
        let bereaved = match self.instances.remove(&id) {
            Some(Phase::Busy { reply, .. }) => Some(reply),
            Some(Phase::Away { has_worked: false }) => self.waiting.pop_front().map(|waiting| waiting.reply),
            Some(Phase::Away { has_worked: true } | Phase::Idle(_)) | None => None,
        };
        if let Some(reply) = bereaved {
            let _ = reply.send(outcome);
        }
    }

    /// Gives `waiting` to the instance at the door, or back when that has left in the meantime.
    fn hand_over(&mut self, id: InstanceId, waiting: Waiting) -> Result<(), Waiting> {
        let Some(phase) = self.instances.get_mut(&id) else {
            return Err(waiting);
        };
        let Waiting { work, reply } = waiting;
        let request_id = work.request_id.clone();
        match std::mem::replace(phase, Phase::Away { has_worked: true }) {
            Phase::Idle(door) => match door.send(work) {
                Ok(()) => {
                    *phase = Phase::Busy { request_id, reply };
                    Ok(())
                }
                Err(work) => Err(Waiting { work, reply }),
            },
            other => {
                *phase = other;
                Err(Waiting { work, reply })
            }
        }
    }
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
