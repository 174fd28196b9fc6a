//! Errors of an operation, as it answers them: each problem is turned into an answer by the same code as in a function.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::{
    http::{ErrorFormat, Response},
    problem::{FieldError, Problem},
};
use utoipa::openapi::{
    self, AllOfBuilder, Content, ContentBuilder, Ref, RefOr, ResponseBuilder,
    example::{Example, ExampleBuilder},
    schema::{ObjectBuilder, Type},
};

use super::components::{CHALLENGE, RETRY_AFTER, header_refs};

/// What every request can be answered that names an application.
pub(super) fn of_application() -> [Problem; 3] {
    [
        Problem::InvalidRequest("credentials may not stand in the query string"),
        Problem::InvalidApiKey,
        Problem::ApiKeyRequired,
    ]
}

/// What every request can be answered that has to do with the table.
pub(super) fn of_store() -> Problem {
    Problem::Unavailable("as an example".into())
}

/// What every request with a JSON body can be answered.
pub(super) fn of_body() -> [Problem; 4] {
    [
        Problem::MalformedJson("the body is not JSON that can be accepted: it ends too early".to_owned()),
        Problem::UnsupportedMediaType("application/json"),
        Problem::BodyTooLarge,
        Problem::ValidationFailed(vec![FieldError {
            field: "user_secret",
            code: "required",
            detail: "is required".to_owned(),
        }]),
    ]
}

/// A problem as it is answered.
pub(super) struct Refusal {
    pub(super) format: ErrorFormat,
    status: u16,
    /// `code`, or `error` in OAuth's form.
    pub(super) code: String,
    title: &'static str,
    body: Value,
    headers: Vec<&'static str>,
}

impl Refusal {
    pub(super) fn of(problem: &Problem, format: ErrorFormat) -> Self {
        let response = Response::from_problem(problem, format);
        let body: Value = serde_json::from_str(response.body()).unwrap_or_default();
        let code = body[code_member(format)].as_str().unwrap_or_default().to_owned();
        let challenge = problem.challenge().map(|_| CHALLENGE);
        let headers = challenge.into_iter().chain(problem.retry_after().map(|_| RETRY_AFTER)).collect();
        Self { format, status: response.status(), code, title: problem.entry().title, body, headers }
    }

    /// All of one code are one example.
    pub(super) fn example_name(&self) -> String {
        match self.format {
            ErrorFormat::Problem => self.code.clone(),
            ErrorFormat::OAuth => format!("oauth_{}", self.code),
        }
    }

    pub(super) fn example(&self) -> Example {
        ExampleBuilder::new().summary(self.title).value(Some(self.body.clone())).build()
    }
}

/// The refusals of each status, one for each code.
pub(super) fn by_status(refusals: impl Iterator<Item = Refusal>) -> BTreeMap<u16, Vec<Refusal>> {
    let mut by_status: BTreeMap<u16, Vec<Refusal>> = BTreeMap::new();
    for refusal in refusals {
        let same_status = by_status.entry(refusal.status).or_default();
        if same_status.iter().all(|other| other.code != refusal.code) {
            same_status.push(refusal);
        }
    }
    by_status
}

/// The name of the response that several operations share: where a status has one code, and cookies stay as they are.
pub(super) fn shared_name(refusals: &[Refusal]) -> Option<&str> {
    match refusals {
        [only] if only.format == ErrorFormat::Problem => Some(&only.code),
        _ => None,
    }
}

/// The response of a status, with an example for each code and the headers that it may carry.
pub(super) fn response(status: u16, refusals: &[Refusal]) -> openapi::Response {
    let titles: Vec<_> = refusals.iter().map(|refusal| format!("`{}`: {}.", refusal.code, refusal.title)).collect();
    let response = ResponseBuilder::new().description(titles.join(" "));
    let response = if refusals.iter().any(|refusal| refusal.format == ErrorFormat::OAuth) {
        response.content("application/json", content(refusals, "OAuthError", []))
    } else {
        let status = ObjectBuilder::new().schema_type(Type::Integer).enum_values(Some([status]));
        response.content("application/problem+json", content(refusals, "Problem", [("status", status)]))
    };
    let mut response = response.build();
    response.headers = header_refs(refusals.iter().flat_map(|refusal| refusal.headers.iter().copied()));
    response
}

/// The schema `general` with these codes only, and what else is `fixed`.
fn content<const N: usize>(refusals: &[Refusal], general: &str, fixed: [(&str, ObjectBuilder); N]) -> Content {
    let codes = refusals.iter().map(|refusal| refusal.code.clone());
    let code = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes));
    let member = refusals.first().map_or("code", |refusal| code_member(refusal.format));
    let restricted = ObjectBuilder::new().property(member, code);
    let restricted = fixed.into_iter().fold(restricted, |restricted, (name, schema)| restricted.property(name, schema));
    let schema = AllOfBuilder::new().item(Ref::from_schema_name(general)).item(restricted);
    let example = |refusal: &Refusal| {
        let example = Ref::new(format!("#/components/examples/{}", refusal.example_name()));
        (refusal.code.clone(), RefOr::<Example>::Ref(example))
    };
    let mut content = ContentBuilder::new().schema(Some(schema)).build();
    content.examples = refusals.iter().map(example).collect();
    content
}

/// The member that holds the code.
const fn code_member(format: ErrorFormat) -> &'static str {
    match format {
        ErrorFormat::Problem => "code",
        ErrorFormat::OAuth => "error",
    }
}
