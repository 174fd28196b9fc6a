//! One list of endpoints, and every other place that must know them all: a stranger who adds one is told what they forgot.

use std::{collections::BTreeSet, fs, process::Command, time::Duration};

use functions::ROUTES;
use serde_json::Value;
use shared::{problem::Problem, provider::ProviderError};

use crate::support::{project_file, template};

/// What API Gateway asks about other routes, and what a schedule runs.
const WITHOUT_ROUTE: [&str; 2] = ["authorizer", "rotate_keys"];

/// Functions by name. Those that are not endpoints have no route.
fn functions() -> BTreeSet<String> {
    ROUTES.iter().map(|route| route.function).chain(WITHOUT_ROUTE).map(str::to_owned).collect()
}

/// `(function, "METHOD /path")` of every route.
fn routes() -> BTreeSet<(String, String)> {
    ROUTES.iter().map(|route| (route.function.to_owned(), format!("{} {}", route.method, route.path))).collect()
}

/// The names of the files in `folder` that end in `extension`.
fn files(folder: &str, extension: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(project_file(folder)).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    names.filter_map(|name| name.strip_suffix(extension).map(str::to_owned)).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(project_file(path)).expect("the file is there")
}

/// The cells of a Markdown table's row; nothing for any other line.
fn cells(line: &str) -> Option<Vec<&str>> {
    let row = line.strip_prefix('|')?.strip_suffix('|')?;
    Some(row.split('|').map(str::trim).collect())
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn every_function_has_a_module_a_binary_and_an_event_and_nothing_else_has() {
    assert_eq!(files("functions/src/bin", ".rs"), functions(), "functions/src/bin");
    assert_eq!(files("events", ".json"), functions(), "events");
    let mut modules = files("functions/src", ".rs");
    // What all have in common.
    for common in ["lib", "openapi"] {
        assert!(modules.remove(common));
    }
    assert_eq!(modules, functions(), "functions/src");
}

#[test]
fn every_event_is_for_a_route_of_its_function() {
    for name in functions() {
        let event: Value = serde_json::from_str(&read(&format!("events/{name}.json"))).expect("JSON");
        if name == "rotate_keys" {
            assert_eq!(event["detail-type"], "Scheduled Event");
            continue;
        }
        let key = event["routeKey"].as_str().expect("a route key").to_owned();
        if name == "authorizer" {
            assert_eq!(event["type"], "REQUEST");
        } else {
            assert_eq!(event["requestContext"]["routeKey"], key, "{name}");
            assert!(routes().contains(&(name.clone(), key.clone())), "events/{name}.json is for {key}");
        }
    }
}

#[test]
fn cargo_lambda_watch_has_every_route() {
    let mut metadata = Command::new(env!("CARGO"));
    metadata.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).current_dir(project_file(""));
    let output = metadata.output().expect("cargo can be run");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let router = metadata["metadata"]["lambda"]["watch"]["router"].as_object().expect("a router").clone();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let known: BTreeSet<_> = router
        .iter()
        .flat_map(|(path, targets)| {
            let targets = targets.as_array().expect("a list");
            targets.iter().map(move |target| (text(&target["function"]), format!("{} {path}", text(&target["method"]))))
        })
        .collect();
    assert_eq!(known, routes(), "[workspace.metadata.lambda.watch.router] of Cargo.toml");
}

/// The resources of one type, by logical id.
fn resources<'a>(template: &'a Value, kind: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let all = template["Resources"].as_object().expect("resources");
    all.iter()
        .filter(move |(_, resource)| resource["Type"] == kind)
        .map(|(id, resource)| (id.as_str(), &resource["Properties"]))
}

/// The name of the binary that the function `id` runs.
fn binary(template: &Value, id: &str) -> String {
    let code = template["Resources"][id]["Properties"]["CodeUri"].as_str().expect("a CodeUri");
    let name = code.strip_prefix("../target/lambda/").and_then(|rest| rest.strip_suffix(".zip"));
    name.unwrap_or_else(|| panic!("{id}: {code} is not ../target/lambda/NAME.zip")).to_owned()
}

#[test]
fn the_template_routes_every_endpoint_to_its_function() {
    let template = template("infra/template.yaml");
    let declared: BTreeSet<_> = resources(&template, "AWS::ApiGatewayV2::Route")
        .map(|(id, route)| {
            let target = route["Target"]["Sub"].as_str().expect("a target");
            let integration = target.strip_prefix("integrations/${").and_then(|rest| rest.strip_suffix('}'));
            let integration = integration.unwrap_or_else(|| panic!("{id}: {target} is no integration"));
            let integration = &template["Resources"][integration]["Properties"];
            assert_eq!(integration["PayloadFormatVersion"], "2.0", "{id}");
            let function = integration["IntegrationUri"]["If"][2]["GetAtt"].as_str().expect("a function");
            let function = function.strip_suffix(".Arn").expect("an ARN");
            (binary(&template, function), route["RouteKey"].as_str().expect("a route key").to_owned())
        })
        .collect();
    assert_eq!(declared, routes(), "infra/template.yaml");
}

#[test]
fn the_template_deploys_every_function_with_a_log_a_role_and_a_permission_of_its_own() {
    let template = template("infra/template.yaml");
    let mut deployed = BTreeSet::new();
    for (id, function) in resources(&template, "AWS::Serverless::Function") {
        deployed.insert(binary(&template, id));
        let stem = id.strip_suffix("Function").expect("a function's id ends so");
        assert_eq!(function["Role"]["GetAtt"], format!("{stem}Role.Arn"), "{id}");
        assert_eq!(function["LoggingConfig"]["LogGroup"]["Ref"], format!("{stem}Logs"), "{id}");
        for part in ["Role", "Logs"] {
            assert!(template["Resources"][format!("{stem}{part}")].is_object(), "{stem}{part} is missing");
        }
        let permission = &template["Resources"][format!("{stem}Permission")]["Properties"];
        let invoked = [&permission["FunctionName"]["Ref"], &permission["FunctionName"]["If"][2]["Ref"]];
        assert!(invoked.contains(&&Value::from(id)), "{stem}Permission");
        let caller = if stem == "RotateKeys" { "events" } else { "apigateway" };
        assert_eq!(permission["Principal"], format!("{caller}.amazonaws.com"), "{stem}Permission");
    }
    assert_eq!(deployed, functions(), "infra/template.yaml");
}

#[test]
fn the_readme_lists_every_function_with_its_file_and_routes() {
    let readme = read("README.md");
    let mut listed = BTreeSet::new();
    let mut listed_routes = BTreeSet::new();
    for row in readme.lines().filter_map(cells) {
        let [Some(name), Some(routes), Some(file)] = [row.first(), row.get(1), row.get(2)] else { continue };
        let Some(name) = quoted(name).next().filter(|name| functions().contains(*name)) else { continue };
        assert!(file.contains(&format!("functions/src/{name}.rs")), "{name}: {file}");
        listed_routes.extend(quoted(routes).map(|route| (name.to_owned(), route.to_owned())));
        assert!(listed.insert(name.to_owned()), "{name} is listed twice");
    }
    assert_eq!(listed, functions(), "README.md");
    assert_eq!(listed_routes, routes(), "README.md");
}

/// One problem of every variant.
fn problems() -> Vec<Problem> {
    vec![
        Problem::MalformedJson(String::new()),
        Problem::InvalidRequest(""),
        Problem::UnsupportedMediaType(""),
        Problem::BodyTooLarge,
        Problem::ValidationFailed(Vec::new()),
        Problem::InvalidApiKey,
        Problem::ApiKeyRequired,
        Problem::InvalidClient,
        Problem::InvalidCredentials,
        Problem::TokenRequired,
        Problem::InvalidToken(""),
        Problem::InvalidGrant,
        Problem::OriginNotAllowed,
        Problem::UserIdTaken,
        Problem::SessionNotFound,
        Problem::ProviderNotFound,
        Problem::ReturnToNotAllowed,
        Problem::InvalidState,
        Problem::InvalidCode,
        Problem::ProviderFailed(ProviderError::TimedOut),
        Problem::InsufficientUserAuthentication,
        Problem::IdentityNotFound,
        Problem::IdentityTaken,
        Problem::TooManyIdentities,
        Problem::LastCredential,
        Problem::TooManyAttempts { retry_after: Duration::ZERO },
        Problem::Unavailable("".into()),
        Problem::internal(""),
    ]
}

/// Does not compile when there is a variant more: then [`problems`] needs it too.
const fn is_listed(problem: &Problem) -> bool {
    match problem {
        Problem::MalformedJson(_)
        | Problem::InvalidRequest(_)
        | Problem::UnsupportedMediaType(_)
        | Problem::BodyTooLarge
        | Problem::ValidationFailed(_)
        | Problem::InvalidApiKey
        | Problem::ApiKeyRequired
        | Problem::InvalidClient
        | Problem::InvalidCredentials
        | Problem::TokenRequired
        | Problem::InvalidToken(_)
        | Problem::InvalidGrant
        | Problem::OriginNotAllowed
        | Problem::UserIdTaken
        | Problem::SessionNotFound
        | Problem::ProviderNotFound
        | Problem::ReturnToNotAllowed
        | Problem::InvalidState
        | Problem::InvalidCode
        | Problem::ProviderFailed(_)
        | Problem::InsufficientUserAuthentication
        | Problem::IdentityNotFound
        | Problem::IdentityTaken
        | Problem::TooManyIdentities
        | Problem::LastCredential
        | Problem::TooManyAttempts { .. }
        | Problem::Unavailable(_)
        | Problem::Internal(_) => true,
    }
}

#[test]
fn the_documented_error_catalogue_is_the_one_that_is_answered() {
    let entries = problems().into_iter().filter(is_listed).map(|problem| problem.entry());
    let answered: BTreeSet<_> =
        entries.map(|entry| (entry.code.to_owned(), entry.status.to_string(), entry.title.to_owned())).collect();
    assert_eq!(answered.len(), problems().len(), "codes are distinct");

    let page = read("docs/api.md");
    let header = ["code", "status", "title", "when"];
    let rows = page.lines().map(cells).skip_while(|row| row.as_deref() != Some(&header)).skip(2).map_while(|row| row);
    let documented: BTreeSet<_> = rows
        .map(|row| {
            assert!(!row[3].is_empty(), "{} says when", row[0]);
            (row[0].trim_matches('`').to_owned(), row[1].to_owned(), row[2].to_owned())
        })
        .collect();
    assert_eq!(documented, answered, "docs/api.md");
}

#[test]
fn the_described_codes_are_those_of_the_catalogue() {
    let document = serde_json::to_value(functions::openapi::document()).expect("it is JSON");
    let codes = document["components"]["schemas"]["ErrorCode"]["enum"].as_array().expect("codes");
    let mut described: BTreeSet<_> = codes.iter().filter_map(|code| code.as_str()).collect();
    // Answered in OAuth's form only, where it has the same name.
    assert!(described.insert("invalid_client"));
    let catalogue: BTreeSet<_> = problems().iter().map(|problem| problem.entry().code).collect();
    assert_eq!(described, catalogue, "docs/openapi.json");
}
