//! Faults for one request: at which of its calls, and how often.

use std::collections::HashMap;

use hyper::header::HeaderMap;
use serde_json::Value;

use super::{
    Fault,
    call::{operation, tables, text},
};

/// One of the calls that a request makes: the `nth` of its operation on its table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    pub operation: String,
    pub table: String,
    pub nth: usize,
}

/// How often a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lasting {
    /// To the first attempt.
    Once,
    /// To every attempt, of that call and of all that do the same later.
    Always,
    /// To the first two attempts of each call of the request, whatever its target: the third, which is the last, is answered.
    TwiceEach,
}

/// A fault for one request.
#[derive(Debug, Clone)]
pub struct Rule {
    pub target: Target,
    pub fault: Fault,
    pub lasting: Lasting,
}

/// What a request called, and how often its rule was applied.
#[derive(Debug, Default)]
pub struct Seen {
    /// Without attempts of the same call.
    pub calls: Vec<Target>,
    pub hits: usize,
    under_way: usize,
    invocations: HashMap<String, Invocation>,
    rule: Option<Rule>,
}

#[derive(Debug)]
struct Invocation {
    target: Target,
    attempts: usize,
}

/// The requests that are looked at, by their traces.
#[derive(Default)]
pub struct Rules(HashMap<String, Seen>);

impl Rules {
    /// Looks at the request with `trace` from now on.
    pub fn watch(&mut self, trace: &str, rule: Option<Rule>) {
        self.0.insert(trace.to_owned(), Seen { rule, ..Seen::default() });
    }

    /// Looks no more at it.
    pub fn seen(&mut self, trace: &str) -> Seen {
        self.0.remove(trace).unwrap_or_default()
    }

    /// What is to happen to a call that has come, if it belongs to a request with a rule.
    pub fn come(&mut self, headers: &HeaderMap, asked: &Value) -> Option<Fault> {
        let seen = self.0.get_mut(&trace(headers)?)?;
        seen.under_way += 1;
        seen.apply(headers, asked)
    }

    /// A call has gone, answered or not.
    pub fn go(&mut self, trace: &str) {
        if let Some(seen) = self.0.get_mut(trace) {
            seen.under_way -= 1;
        }
    }

    /// The fault has not happened after all.
    pub fn miss(&mut self, trace: &str) {
        if let Some(seen) = self.0.get_mut(trace) {
            seen.hits -= 1;
        }
    }

    /// Whether a call is the only one of its request that is under way.
    pub fn is_alone(&self, trace: &str) -> bool {
        self.0.get(trace).is_none_or(|seen| seen.under_way <= 1 || seen.breaks_all())
    }
}

/// The trace that a call belongs to.
pub fn trace(headers: &HeaderMap) -> Option<String> {
    text(headers, "x-amzn-trace-id").split(';').find_map(|field| field.strip_prefix("Root=")).map(str::to_owned)
}

impl Seen {
    fn apply(&mut self, headers: &HeaderMap, asked: &Value) -> Option<Fault> {
        let id = text(headers, "amz-sdk-invocation-id").to_owned();
        let known = self.invocations.contains_key(&id);
        if !known {
            let target = self.target(operation(headers), asked);
            self.calls.push(target.clone());
            self.invocations.insert(id.clone(), Invocation { target, attempts: 0 });
        }
        let invocation = self.invocations.get_mut(&id)?;
        invocation.attempts += 1;
        let Rule { target, fault, lasting } = self.rule.as_ref()?;
        let called = &invocation.target;
        let alike = called.operation == target.operation && called.table == target.table;
        let applies = match lasting {
            Lasting::Once => called == target && self.hits == 0,
            Lasting::Always => alike && called.nth >= target.nth,
            Lasting::TwiceEach => invocation.attempts <= 2,
        };
        self.hits += usize::from(applies);
        applies.then_some(*fault)
    }

    fn breaks_all(&self) -> bool {
        self.rule.as_ref().is_some_and(|rule| rule.lasting == Lasting::TwiceEach)
    }

    /// Which of the request's calls this is, if it is a new one.
    fn target(&self, operation: &str, asked: &Value) -> Target {
        let table = tables(asked).into_iter().next().unwrap_or_default();
        let alike = |call: &&Target| call.operation == operation && call.table == table;
        let nth = 1 + self.calls.iter().filter(alike).count();
        Target { operation: operation.to_owned(), table, nth }
    }
}
