//! `docs/openapi.json`, ready to hold answers to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use jsonschema::Validator;
use serde_json::{Value, json};

/// Operations by their routes, as API Gateway names these: `POST /api/v1/auth/refresh`.
pub struct Contract(pub BTreeMap<String, Operation>);

pub struct Operation {
    pub id: String,
    /// What may be sent, by media type.
    pub requests: BTreeMap<String, Validator>,
    /// What is answered, by status.
    pub responses: BTreeMap<u64, Response>,
}

pub struct Response {
    pub headers: BTreeSet<String>,
    /// By media type.
    pub bodies: BTreeMap<String, Validator>,
    /// Of errors.
    pub codes: BTreeSet<String>,
}

impl Contract {
    pub fn committed() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
        let text = fs::read_to_string(file).expect("docs/openapi.json is there");
        Self::of(&serde_json::from_str(&text).expect("it is JSON"))
    }

    fn of(document: &Value) -> Self {
        let paths = document["paths"].as_object().expect("paths").iter();
        let operations = paths.flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            methods.map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
        });
        Self(operations.map(|(route, operation)| (route, Operation::of(operation, document))).collect())
    }
}

impl Operation {
    fn of(operation: &Value, document: &Value) -> Self {
        let responses = operation["responses"].as_object().expect("responses").iter();
        let response = |(status, response): (&String, &Value)| {
            (status.parse().expect("a status"), Response::of(response, document))
        };
        Self {
            id: operation["operationId"].as_str().expect("an id").to_owned(),
            requests: validators(&operation["requestBody"], document),
            responses: responses.map(response).collect(),
        }
    }
}

impl Response {
    fn of(response: &Value, document: &Value) -> Self {
        let response = match response["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => document.pointer(pointer).expect("the reference leads somewhere"),
            None => response,
        };
        let headers = response["headers"].as_object().into_iter().flatten().map(|(name, _)| name.to_lowercase());
        let contents = response["content"].as_object().into_iter().flat_map(serde_json::Map::values);
        Self {
            headers: headers.collect(),
            bodies: validators(response, document),
            codes: contents.flat_map(codes).collect(),
        }
    }
}

/// One for each media type of a body.
fn validators(body: &Value, document: &Value) -> BTreeMap<String, Validator> {
    let contents = body["content"].as_object().into_iter().flatten();
    let validator = |schema: &Value| {
        let whole = json!({"allOf": [schema], "components": document["components"]});
        jsonschema::draft202012::options().should_validate_formats(true).build(&whole).expect("a schema")
    };
    contents.map(|(media_type, content)| (media_type.clone(), validator(&content["schema"]))).collect()
}

/// The codes to which a schema is restricted.
fn codes(content: &Value) -> Vec<String> {
    let properties = &content["schema"]["allOf"][1]["properties"];
    let codes = ["code", "error"].into_iter().filter_map(|member| properties[member]["enum"].as_array());
    codes.flatten().filter_map(|code| Some(code.as_str()?.to_owned())).collect()
}
