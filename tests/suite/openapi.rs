//! `docs/openapi.json` and the functions agree: every answer of the run is described, and everything that is described was answered.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use crate::{
    contract::{Contract, Operation},
    last_run::LastRun,
};

/// What is described and no test brings about: operation, code, and why not.
const UNSEEN: [(&str, &str, &str); 1] = [(
    "jwks",
    "temporarily_unavailable",
    "only an instance that has started while the table was away has no copy to answer with",
)];

/// Each operation answers so if it fails. `tests/faults` brings it about where it can, which is not everywhere.
const OUR_FAULT: u64 = 500;

/// Headers that are described where they are sent. The others are on every answer.
const DESCRIBED_HEADERS: [&str; 3] = ["www-authenticate", "retry-after", "set-cookie"];

/// An event and the answer to it.
struct Exchange<'a> {
    route: &'a str,
    event: &'a Value,
    answer: &'a Value,
}

#[test]
fn every_answer_is_described() {
    let contract = Contract::committed();
    let exchanges = exchanges(&LastRun::get().records);
    let mut complaints = BTreeMap::new();
    let mut held = 0;
    for exchange in &exchanges {
        let Some(operation) = contract.0.get(exchange.route) else { continue };
        held += 1;
        for complaint in complaints_of(operation, exchange) {
            *complaints.entry(complaint).or_insert(0) += 1;
        }
    }
    assert!(held > 1000, "only {held} answers were found");
    assert!(complaints.is_empty(), "{held} answers: {complaints:#?}");
}

#[test]
fn everything_that_is_described_was_answered() {
    let contract = Contract::committed();
    let exchanges = exchanges(&LastRun::get().records);
    let answered: BTreeSet<_> = exchanges
        .iter()
        .filter_map(|exchange| {
            let operation = contract.0.get(exchange.route)?;
            Some((operation.id.as_str(), exchange.status(), exchange.code()))
        })
        .collect();
    let excused =
        |operation: &str, code: &str| UNSEEN.iter().any(|(whose, what, _)| (*whose, *what) == (operation, code));
    let mut wrong = Vec::new();
    for operation in contract.0.values() {
        for (status, response) in operation.responses.iter().filter(|(status, _)| **status != OUR_FAULT) {
            let without = response.codes.is_empty().then(String::new);
            for code in response.codes.iter().cloned().chain(without) {
                let seen = answered.contains(&(operation.id.as_str(), *status, code.clone()));
                if seen == excused(&operation.id, &code) {
                    let what = if seen { "was answered after all" } else { "was never answered" };
                    wrong.push(format!("{}: {status} {code} {what}", operation.id));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_request_that_was_accepted_is_described() {
    let contract = Contract::committed();
    let mut complaints = BTreeSet::new();
    let mut held = 0;
    for exchange in exchanges(&LastRun::get().records) {
        let Some(operation) = contract.0.get(exchange.route) else { continue };
        let body = exchange.request_body();
        if exchange.status() >= 300 || body.is_empty() || operation.requests.is_empty() {
            continue;
        }
        for (media_type, validator) in &operation.requests {
            let body = if media_type == "application/json" { json(&body) } else { form(&body) };
            held += 1;
            complaints.extend(validator.iter_errors(&body).map(|error| format!("{}: {error}", operation.id)));
        }
    }
    assert!(held > 500, "only {held} bodies were found");
    assert!(complaints.is_empty(), "{held} bodies: {complaints:#?}");
}

fn complaints_of(operation: &Operation, exchange: &Exchange<'_>) -> Vec<String> {
    let (id, status) = (&operation.id, exchange.status());
    let Some(response) = operation.responses.get(&status) else {
        return vec![format!("{id}: {status} {} is not described", exchange.code())];
    };
    let sent: BTreeSet<_> = exchange.headers().into_iter().collect();
    let described = DESCRIBED_HEADERS.iter().filter(|name| response.headers.contains(**name));
    let undescribed =
        DESCRIBED_HEADERS.iter().filter(|name| sent.contains(**name) && !response.headers.contains(**name));
    let mut complaints: Vec<_> = undescribed.map(|name| format!("{id}: {status} has {name}")).collect();
    // Cookies depend on how the application gets its tokens.
    let absent = described.filter(|name| **name != "set-cookie" && !sent.contains(**name));
    complaints.extend(absent.map(|name| format!("{id}: {status} {} has no {name}", exchange.code())));

    let body = exchange.answer["body"].as_str().unwrap_or_default();
    if body.is_empty() && response.bodies.is_empty() {
        return complaints;
    }
    let media_type = exchange.header("content-type");
    match response.bodies.get(media_type) {
        None => complaints.push(format!("{id}: {status} is of type {media_type}")),
        Some(validator) => {
            let errors =
                validator.iter_errors(&json(body.as_bytes())).map(|error| error.to_string()).collect::<Vec<_>>();
            complaints.extend(errors.into_iter().map(|error| format!("{id}: {status} {}: {error}", exchange.code())));
        }
    }
    complaints
}

/// The events of the run that were answered. What an authorizer is asked is no request to us, whatever its route.
fn exchanges(records: &[Value]) -> Vec<Exchange<'_>> {
    let of_kind = |kind: &'static str| records.iter().filter(move |line| line["kind"] == kind);
    let answers: BTreeMap<_, _> =
        of_kind("outcome").filter_map(|line| Some((line["invocation"].as_str()?, &line["payload"]))).collect();
    of_kind("event")
        .filter(|line| line["payload"]["type"] != "REQUEST")
        .filter_map(|line| {
            let answer = answers.get(line["invocation"].as_str()?)?;
            answer["statusCode"].as_u64()?;
            Some(Exchange { route: line["payload"]["routeKey"].as_str()?, event: &line["payload"], answer })
        })
        .collect()
}

impl Exchange<'_> {
    fn status(&self) -> u64 {
        self.answer["statusCode"].as_u64().unwrap_or_default()
    }

    /// The code of an error.
    fn code(&self) -> String {
        if self.status() < 400 {
            return String::new();
        }
        let body = json(self.answer["body"].as_str().unwrap_or_default().as_bytes());
        body["code"].as_str().or(body["error"].as_str()).unwrap_or_default().to_owned()
    }

    fn header(&self, name: &str) -> &str {
        let headers = self.answer["headers"].as_object().into_iter().flatten();
        let mut values =
            headers.filter(|(key, _)| key.eq_ignore_ascii_case(name)).filter_map(|(_, value)| value.as_str());
        values.next().unwrap_or_default()
    }

    /// The names of the answer's headers, in lower case.
    fn headers(&self) -> Vec<String> {
        let headers = self.answer["headers"].as_object().into_iter().flatten().map(|(name, _)| name.to_lowercase());
        let cookies = self.answer["cookies"].as_array().filter(|cookies| !cookies.is_empty());
        headers.chain(cookies.map(|_| "set-cookie".to_owned())).collect()
    }

    fn request_body(&self) -> Vec<u8> {
        let body = self.event["body"].as_str().unwrap_or_default();
        if self.event["isBase64Encoded"] == true {
            return STANDARD.decode(body).unwrap_or_else(|_| body.as_bytes().to_vec());
        }
        body.as_bytes().to_vec()
    }
}

fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

fn form(body: &[u8]) -> Value {
    let fields = form_urlencoded::parse(body).map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())));
    Value::Object(fields.collect::<Map<_, _>>())
}
