//! What happens inside a local stack, as JSON lines: for tests that hold the functions to their roles and their logs to silence, and for
//! whoever wants to see what a function is given and what it asks of DynamoDB.
//!
//! | `kind` | other members |
//! |---|---|
//! | `function` | `name`, `logical_id`, `binary`, `environment` (without a developer's own credentials); once for each, first |
//! | `event` | `function` (its name), `invocation` (an id), `payload`: what it is invoked with |
//! | `outcome` | `function`, `invocation`, `payload`: its answer, or the error that it reported |
//! | `call` | `caller`, `operation`, `payload`: a request to the embedded DynamoDB. The caller is the access key id, which is a function's name when one asks |

use super::resources::Function;
use hyper::header::{self, HeaderMap};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{Error, ErrorKind, Write};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// A file, or nothing. It is locked as long as the stack runs, so that a reader can wait for the last line.
pub(crate) struct Record(Option<Mutex<File>>);

impl Record {
    /// Records to `file`, if there is one. What another stack still writes, or somebody reads, is left as it is.
    pub(crate) fn open(file: Option<&Path>) -> std::io::Result<Self> {
        let Some(path) = file else { return Ok(Self(None)) };
        let file = open_private(path)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Error::new(ErrorKind::ResourceBusy, "it is in use by another local stack"),
            TryLockError::Error(error) => error,
        })?;
        file.set_len(0)?;
        Ok(Self(Some(Mutex::new(file))))
    }

    pub(crate) fn function(&self, function: &Function, environment: &BTreeMap<String, String>) {
        let Function { name, logical_id, binary, .. } = function;
        self.write(|| {
            json!({
                "kind": "function", "name": name, "logical_id": logical_id, "binary": binary, "environment": environment,
            })
        });
    }

    pub(crate) fn event(&self, function: &Function, invocation: &str, payload: &[u8]) {
        self.message("event", function, invocation, payload);
    }

    pub(crate) fn outcome(&self, function: &Function, invocation: &str, payload: &[u8]) {
        self.message("outcome", function, invocation, payload);
    }

    fn message(&self, kind: &str, function: &Function, invocation: &str, payload: &[u8]) {
        self.write(
            || json!({"kind": kind, "function": function.name, "invocation": invocation, "payload": readable(payload)}),
        );
    }

    pub(crate) fn call(&self, headers: &HeaderMap, payload: &[u8]) {
        self.write(|| {
            let (caller, operation) = (caller(headers), operation(headers));
            json!({"kind": "call", "caller": caller, "operation": operation, "payload": readable(payload)})
        });
    }

    /// Writes a line. A record that can't be written is no reason to stop.
    fn write(&self, line: impl FnOnce() -> Value) {
        if let Some(file) = &self.0 {
            let line = format!("{}\n", line());
            let _ = file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
        }
    }
}

/// The record holds tokens and keys, so nobody else may read it.
fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

/// A payload as what it means, or as text.
fn readable(payload: &[u8]) -> Value {
    serde_json::from_slice(payload).unwrap_or_else(|_| String::from_utf8_lossy(payload).into())
}

/// The access key id of a signed request: `AWS4-HMAC-SHA256 Credential=ID/20260131/eu-west-1/dynamodb/aws4_request, …`.
fn caller(headers: &HeaderMap) -> Option<&str> {
    let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    authorization.split_once("Credential=")?.1.split('/').next()
}

/// What a request asks for: `X-Amz-Target: DynamoDB_20120810.GetItem`.
fn operation(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-amz-target")?.to_str().ok()?.rsplit('.').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_call_is_one_line_with_who_asked_and_for_what() {
        let path = std::env::temp_dir().join(format!("gatelet-record-{}", std::process::id()));
        let record = Record::open(Some(&path)).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-target", "DynamoDB_20120810.GetItem".parse().unwrap());
        let signed = "AWS4-HMAC-SHA256 Credential=stack-refresh/20260131/eu-west-1/dynamodb/aws4_request, Signature=0";
        headers.insert(header::AUTHORIZATION, signed.parse().unwrap());
        record.call(&headers, br#"{"TableName": "t"}"#);
        record.call(&HeaderMap::new(), b"no\nJSON");

        let lines: Vec<Value> =
            fs::read_to_string(&path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let asked =
            json!({"kind": "call", "caller": "stack-refresh", "operation": "GetItem", "payload": {"TableName": "t"}});
        let unsigned = json!({"kind": "call", "caller": null, "operation": null, "payload": "no\nJSON"});
        assert_eq!(lines, [asked, unsigned]);
        assert!(File::open(&path).unwrap().try_lock_shared().is_err(), "it is locked while it is written");
        drop(record);
        assert!(File::open(&path).unwrap().try_lock_shared().is_ok());
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_record_is_begun_anew_only_when_nobody_writes_it() {
        let path = std::env::temp_dir().join(format!("gatelet-record-twice-{}", std::process::id()));
        let record = Record::open(Some(&path)).unwrap();
        record.call(&HeaderMap::new(), b"{}");
        let before = fs::read(&path).unwrap();
        assert!(!before.is_empty());

        let error = Record::open(Some(&path)).err().expect("two stacks can't write one record");
        assert_eq!(error.kind(), ErrorKind::ResourceBusy, "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);

        drop(record);
        let _record = Record::open(Some(&path)).unwrap();
        assert!(fs::read(&path).unwrap().is_empty());
        fs::remove_file(path).unwrap();
    }
}
