//! The API as an OpenAPI 3.1 document, made from the endpoints' own descriptions and types.
//!
//! `gatelet openapi` prints it, `docs/openapi.json` is what it printed last. Nothing of it is reachable from the functions' binaries, so the
//! linker leaves it out of them.

mod operation;
mod refusals;

pub(crate) use operation::{BASE, CalledBy, Operation};

use std::collections::BTreeMap;

use schemars::{SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use crate::{
    authenticate, discovery, introspect, jwks, logout, refresh, register, revoke, sessions, token_info, whoami,
};
use operation::{Answer, Body};

const DESCRIPTION: &str = include_str!("description.md");

/// Groups of operations, in the order in which they are read.
const TAGS: [(&str, &str); 4] = [
    ("accounts", "Making an account, signing in and out"),
    ("sessions", "Who is calling, and where else they are signed in"),
    ("applications", "What an application asks or takes back, in the form of the OAuth RFCs"),
    ("metadata", "What a verifier of tokens needs; the same for everybody"),
];

/// The document.
#[must_use]
pub fn document() -> Value {
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    let mut schemas = Schemas::new();
    for operation in operations() {
        let described = describe(&operation, &mut schemas);
        paths.entry(operation.path.clone()).or_default().insert(operation.method.to_lowercase(), described);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Gatelet",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Accounts, sessions and tokens",
            "description": DESCRIPTION,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The stack's `BaseUrl`"}],
        "tags": TAGS.map(|(name, description)| json!({"name": name, "description": description})),
        "paths": paths,
        "components": {"schemas": schemas.into_definitions(), "securitySchemes": security_schemes()},
    })
}

/// The document as it is written to a file.
#[must_use]
pub fn text() -> String {
    format!("{:#}\n", document())
}

fn operations() -> impl Iterator<Item = Operation> {
    let all = [
        register::operations(),
        authenticate::operations(),
        refresh::operations(),
        logout::operations(),
        whoami::operations(),
        token_info::operations(),
        sessions::operations(),
        introspect::operations(),
        revoke::operations(),
        jwks::operations(),
        discovery::operations(),
    ];
    all.into_iter().flatten()
}

/// The schemas that operations refer to. What is read may leave out more than what is written.
struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        let written = settings.clone().for_serialize().into_generator();
        Self { read: settings.for_deserialize().into_generator(), written }
    }

    fn into_definitions(mut self) -> Map<String, Value> {
        let mut definitions = self.read.take_definitions(true);
        definitions.extend(self.written.take_definitions(true));
        definitions
    }
}

fn describe(operation: &Operation, schemas: &mut Schemas) -> Value {
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "security": operation.security(),
        "responses": responses(operation, schemas),
    });
    if !operation.parameters.is_empty() {
        described["parameters"] = operation.parameters.clone().into();
    }
    if let Some(Body { media_type, required, schema, example }) = &operation.body {
        let content = json!({"schema": schema(&mut schemas.read), "example": example});
        described["requestBody"] = json!({"required": required, "content": {*media_type: content}});
    }
    described
}

fn responses(operation: &Operation, schemas: &mut Schemas) -> Value {
    let Answer { status, description, schema, examples, sets_cookies } = &operation.answer;
    let mut success = json!({"description": description});
    if let Some(schema) = schema {
        let examples: Map<_, _> =
            examples.iter().map(|(name, value)| ((*name).to_owned(), json!({"value": value}))).collect();
        let content = json!({"schema": schema(&mut schemas.written), "examples": examples});
        success["content"] = json!({"application/json": content});
    }
    if *sets_cookies {
        let description = "Sets the session's cookies, or clears them when it is over; one line each. Only for applications whose tokens are \
                           delivered as cookies, and those that came with one.";
        success["headers"] = json!({"Set-Cookie": {"description": description, "schema": {"type": "string"}}});
    }
    let mut responses = refusals::of(operation, &mut schemas.written);
    responses.insert(status.to_string(), success);
    responses.into()
}

fn security_schemes() -> Value {
    let key =
        |description: &str| json!({"type": "apiKey", "in": "header", "name": "Api-Key", "description": description});
    let cookie = |name: &str, description: &str| json!({"type": "apiKey", "in": "cookie", "name": name, "description": description});
    json!({
        "applicationKey": key("`pk_…` or `sk_…`: names the application. Without it, the deployment's default application serves the request, if there is one."),
        "secretKey": key("`sk_…`: names the application and proves it."),
        "clientPassword": {"type": "http", "scheme": "basic", "description": "The application's id as name, its secret key as password (RFC 6749 §2.3.1)."},
        "accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "An access token (RFC 6750, RFC 9068)."},
        "accessCookie": cookie("__Host-access_token", "The access token, as a browser sends it. `access_token` over plain HTTP on this machine."),
        "refreshCookie": cookie("__Secure-refresh_token", "The refresh token, as a browser sends it to this API only. `refresh_token` over plain HTTP on this machine."),
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
