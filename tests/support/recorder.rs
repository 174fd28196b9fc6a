//! A record of what functions ask of DynamoDB, in the form of `gatelet dev --record`, for what never arrives there.

use std::{
    fs::File,
    io::Write,
    sync::atomic::{AtomicU32, Ordering},
};

use hyper::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Value, json};

use super::run;

/// An open record in this run's folder.
pub struct Recorder(File);

impl Recorder {
    pub fn create() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("proxy-{}.record", COUNT.fetch_add(1, Ordering::Relaxed));
        Self(File::create(run::folder().join(name)).expect("a record can be made"))
    }

    /// Notes a signed request before anything happens to it.
    pub fn call(&mut self, headers: &HeaderMap, operation: &str, payload: &Value) {
        let signed = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let caller = signed.split_once("Credential=").and_then(|(_, rest)| rest.split('/').next());
        let line = json!({"kind": "call", "caller": caller, "operation": operation, "payload": payload});
        writeln!(self.0, "{line}").expect("the record can be written");
    }
}
