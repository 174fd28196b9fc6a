//! The refusals of an operation, by status.

use std::collections::BTreeMap;

use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};
use shared::{
    http::{OAuthError, ProblemBody},
    problem::Entry,
};

use super::operation::Operation;

/// What else than success `operation` can answer.
pub(super) fn of(operation: &Operation, schemas: &mut SchemaGenerator) -> Map<String, Value> {
    let mut by_status: BTreeMap<u16, Vec<Entry>> = BTreeMap::new();
    for entry in &operation.errors {
        by_status.entry(entry.status).or_default().push(*entry);
    }
    let described = by_status.into_iter().map(|(status, mut entries)| {
        entries.sort_by_key(|entry| entry.code);
        let titles: Vec<_> = entries.iter().map(|entry| entry.title).collect();
        let content = if operation.is_oauth() {
            json!({"application/json": oauth(&entries, schemas)})
        } else {
            json!({"application/problem+json": problem(&entries, operation, schemas)})
        };
        let mut response = json!({"description": titles.join("; "), "content": content});
        if let Some((name, description)) = header(status) {
            response["headers"] = json!({name: {"description": description, "schema": {"type": "string"}}});
        }
        (status.to_string(), response)
    });
    described.collect()
}

fn header(status: u16) -> Option<(&'static str, &'static str)> {
    match status {
        401 => Some(("WWW-Authenticate", "The challenge (RFC 9110 §11.6.1, RFC 6750 §3).")),
        429 | 503 => Some(("Retry-After", "How many seconds to wait (RFC 9110 §10.2.3).")),
        _ => None,
    }
}

fn problem(entries: &[Entry], operation: &Operation, schemas: &mut SchemaGenerator) -> Value {
    let codes: Vec<_> = entries.iter().map(|entry| entry.code).collect();
    let examples = entries.iter().map(|entry| (entry.code.to_owned(), json!({"value": example(entry, operation)})));
    let only = json!({"properties": {"code": {"enum": codes}}});
    json!({
        "schema": {"allOf": [schemas.subschema_for::<ProblemBody>(), only]},
        "examples": examples.collect::<Map<_, _>>(),
    })
}

fn example(entry: &Entry, operation: &Operation) -> Value {
    let Entry { status, code, title } = entry;
    let mut example = json!({
        "type": format!("urn:gatelet:problem:{code}"), "title": title, "status": status, "detail": title, "code": code,
    });
    if *entry == Entry::VALIDATION_FAILED {
        let members = operation.body.as_ref().and_then(|body| body.example.as_object());
        let field = members.and_then(|members| members.keys().next_back());
        example["errors"] = json!([{"field": field, "code": "wrong_type", "detail": "must be a string"}]);
    }
    example
}

fn oauth(entries: &[Entry], schemas: &mut SchemaGenerator) -> Value {
    let examples = entries.iter().map(|entry| {
        let error = match *entry {
            Entry::INVALID_CLIENT => "invalid_client",
            Entry::INTERNAL_ERROR => "server_error",
            Entry::TEMPORARILY_UNAVAILABLE => "temporarily_unavailable",
            _ => "invalid_request",
        };
        (entry.code.to_owned(), json!({"value": {"error": error, "error_description": entry.title}}))
    });
    json!({"schema": schemas.subschema_for::<OAuthError>(), "examples": examples.collect::<Map<_, _>>()})
}
