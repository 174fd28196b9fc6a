//! Tests of [`super`].

use std::collections::BTreeSet;

use super::*;
use crate::ROUTES;
use shared::problem::Entry;

/// Every operation with its method and path.
fn described(document: &Value) -> Vec<(String, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, methods)| methods.as_object().unwrap().iter().map(move |(method, it)| (method, path, it)))
        .map(|(method, path, operation)| (method.to_uppercase(), path.as_str(), operation))
        .collect()
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let document = document();
    let operations = described(&document);
    let routes: BTreeSet<_> = ROUTES.iter().map(|route| (route.method.to_owned(), route.path)).collect();
    assert_eq!(operations.iter().map(|(method, path, _)| (method.clone(), *path)).collect::<BTreeSet<_>>(), routes);
    let ids: BTreeSet<_> = operations.iter().map(|(_, _, operation)| operation["operationId"].as_str()).collect();
    assert_eq!(ids.len(), ROUTES.len(), "each has an id of its own");
}

#[test]
fn every_problem_of_the_catalogue_can_be_the_answer_of_some_operation() {
    let answered: BTreeSet<_> = operations().flat_map(|operation| operation.errors).map(|entry| entry.code).collect();
    assert_eq!(answered, Entry::ALL.iter().map(|entry| entry.code).collect());
}

#[test]
fn an_operation_names_each_refusal_once() {
    for operation in operations() {
        let codes: BTreeSet<_> = operation.errors.iter().map(|entry| entry.code).collect();
        assert_eq!(codes.len(), operation.errors.len(), "{}", operation.id);
    }
}

#[test]
fn the_committed_document_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let fresh = text();
    #[expect(clippy::disallowed_methods, reason = "this is a switch for whoever runs the test, no setting")]
    if std::env::var("GATELET_BLESS").is_ok() {
        std::fs::write(path, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == fresh, "docs/openapi.json is out of date: run this with GATELET_BLESS=1, and commit it");
}
