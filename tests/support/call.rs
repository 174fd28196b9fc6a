//! A call of DynamoDB as the proxy saw it.

use std::{collections::BTreeSet, time::Instant};

use hyper::header::HeaderMap;
use serde_json::Value;

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

impl Call {
    /// What `asked` took and cost, whose answer has just come.
    pub fn answered(headers: &HeaderMap, asked: &Value, answer: &Value, started: Instant) -> Self {
        let consumed = match &answer["ConsumedCapacity"] {
            Value::Array(tables) => tables.clone(),
            Value::Null => Vec::new(),
            one => vec![one.clone()],
        };
        let units: f64 = consumed.iter().filter_map(|table| table["CapacityUnits"].as_f64()).sum();
        let operation = operation(headers).to_owned();
        let reads = matches!(operation.as_str(), "GetItem" | "Query" | "Scan" | "BatchGetItem");
        Self {
            tables: tables(asked),
            trace: text(headers, "x-amzn-trace-id").to_owned(),
            read_units: if reads { units } else { 0.0 },
            write_units: if reads { 0.0 } else { units },
            operation,
            started,
            finished: Instant::now(),
        }
    }
}

/// A header's value; empty if it is not there.
pub fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The API call that a request makes.
pub fn operation(headers: &HeaderMap) -> &str {
    text(headers, "x-amz-target").rsplit('.').next().unwrap_or_default()
}

/// The tables that a request is about.
pub fn tables(asked: &Value) -> BTreeSet<String> {
    let parts = asked["TransactItems"].as_array().into_iter().flatten().filter_map(Value::as_object);
    let requests = parts.flat_map(|part| part.values()).chain([asked]);
    requests.filter_map(|request| request["TableName"].as_str()).map(str::to_owned).collect()
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
