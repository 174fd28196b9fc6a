//! Tests of the document itself. That functions answer as it says is told by `tests/suite`, from what they answered.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Value, json};

use super::*;
use crate::ROUTES;

const METHODS: [&str; 4] = ["get", "post", "put", "delete"];

fn document_json() -> Value {
    serde_json::to_value(document()).unwrap()
}

/// Path, method and operation.
fn operations_of(document: &Value) -> Vec<(String, &'static str, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations =
        paths.flat_map(|(path, item)| METHODS.into_iter().map(move |method| (path.clone(), method, &item[method])));
    operations.filter(|(_, _, operation)| !operation.is_null()).collect()
}

/// Everything that has a schema and examples: bodies and headers, wherever they are.
fn visit(value: &Value, see: &mut impl FnMut(&Value)) {
    match value {
        Value::Object(members) => {
            see(value);
            members.values().for_each(|member| visit(member, see));
        }
        Value::Array(items) => items.iter().for_each(|item| visit(item, see)),
        _ => {}
    }
}

/// What `value` refers to, or itself.
fn resolve<'a>(value: &'a Value, document: &'a Value) -> &'a Value {
    value["$ref"].as_str().map_or(value, |reference| document.pointer(reference.strip_prefix('#').unwrap()).unwrap())
}

/// A validator of `schema`, with the document's components around it.
fn validator(schema: &Value, document: &Value) -> jsonschema::Validator {
    let whole = json!({"allOf": [schema], "components": document["components"]});
    jsonschema::draft202012::options().should_validate_formats(true).build(&whole).unwrap()
}

#[test]
fn the_document_has_the_routes_and_no_others() {
    let document = document_json();
    let described: BTreeSet<_> =
        operations_of(&document).into_iter().map(|(path, method, _)| (path, method.to_uppercase())).collect();
    let routes: BTreeSet<_> = ROUTES.iter().map(|route| (route.path.to_owned(), route.method.to_owned())).collect();
    assert_eq!(described, routes);
}

#[test]
fn every_example_is_what_its_schema_says() {
    let document = document_json();
    let mut seen = 0;
    visit(&document, &mut |value| {
        let examples = value["examples"].as_object().into_iter().flat_map(serde_json::Map::values);
        let resolved = |example| resolve(example, &document).get("value").unwrap();
        let examples: Vec<_> = examples.map(resolved).chain(value.get("example")).collect();
        if value["schema"].is_null() || examples.is_empty() {
            return;
        }
        let validator = validator(&value["schema"], &document);
        for example in examples {
            if let Err(error) = validator.validate(example) {
                panic!("{example}: {error}");
            }
            seen += 1;
        }
    });
    assert!(seen > 80, "{seen}");
}

#[test]
fn every_operation_says_what_a_reader_wants_to_know() {
    let document = document_json();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations_of(&document) {
        for member in ["operationId", "summary", "description"] {
            assert!(!operation[member].as_str().unwrap_or_default().is_empty(), "{method} {path} has no {member}");
        }
        assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()), "{method} {path}");
        let tag = operation["tags"][0].as_str().unwrap();
        assert!(TAGS.iter().any(|(name, _)| *name == tag), "{method} {path}: {tag}");
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document_json();
    visit(&document, &mut |value| {
        if let Some(reference) = value["$ref"].as_str() {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    });
}

/// As `tests/faults` does with its tables.
#[test]
#[expect(clippy::disallowed_methods, reason = "it is told from outside to write the file anew")]
fn the_committed_document_is_the_one_that_the_code_makes() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let made = text().unwrap();
    if std::env::var("GATELET_BLESS").is_ok() {
        std::fs::write(&file, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == made, "docs/openapi.json is out of date: GATELET_BLESS=1 cargo test -p functions openapi");
}
