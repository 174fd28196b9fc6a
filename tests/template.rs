//! What keeps the deployment safe: rights, tables, settings and times of `infra/template.yaml`.
//!
//! What must hold of any template, such as encryption, recovery, expiry and the absence of wildcards, is in
//! `infra/verification/guard.rules`.

mod rights;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::{Value, json};
use shared::http::REQUEST_BUDGET;

use crate::support::{project_file, resources, roles, template};
use rights::{READING, RIGHTS, WRITING, grants, opening_the_table, reading_secrets, tracing};

const TEMPLATE: &str = "infra/template.yaml";

#[test]
fn each_function_may_do_exactly_what_its_handler_does() {
    let roles = roles(&template(TEMPLATE));
    let stems: BTreeSet<_> = roles.iter().map(|role| role.stem.as_str()).collect();
    assert_eq!(stems, RIGHTS.iter().map(|(stem, _)| *stem).collect());
    for role in roles {
        let (stem, rights) = RIGHTS.iter().find(|(stem, _)| *stem == role.stem).expect("it is listed");
        assert_eq!(role.grants, grants(rights), "{stem}");
    }
}

#[test]
fn each_function_writes_to_its_own_log_and_nothing_else() {
    for path in [TEMPLATE, "infra/examples/protected-api.yaml"] {
        for role in roles(&template(path)) {
            // A log group's ARN, as `GetAtt` gives it, already covers its streams.
            let own = format!("{}Logs.Arn", role.stem);
            let expected = ["logs:CreateLogStream", "logs:PutLogEvents"].map(|action| (action.to_owned(), own.clone()));
            assert_eq!(role.others, BTreeSet::from(expected), "{}", role.stem);
        }
    }
}

#[test]
fn with_a_key_tracing_or_client_secrets_each_function_may_do_what_that_takes() {
    for role in roles(&template(TEMPLATE)) {
        let mut expected = BTreeMap::from([("IsTraced".to_owned(), tracing())]);
        if role.grants.iter().any(|grant| grant.table == "SigningKeysTable") {
            let actions: &[&str] = if role.stem == "RotateKeys" { &WRITING } else { &READING };
            expected.insert("HasKmsKey".to_owned(), opening_the_table(actions));
        }
        if role.stem == "OauthCallback" {
            expected.insert("HasOAuthSecrets".to_owned(), reading_secrets());
        }
        assert_eq!(role.only_if, expected, "{}", role.stem);
    }
}

#[test]
fn a_limit_on_keys_does_not_hold_for_a_request_that_names_none() {
    for path in [TEMPLATE, "infra/examples/protected-api.yaml"] {
        for kind in ["AWS::IAM::Role", "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"] {
            for (id, role) in resources(&template(path), kind) {
                let text = role.to_string();
                let [limits, guards] = ["ForAllValues:", r#""Null":{"#].map(|what| text.matches(what).count());
                assert_eq!(limits, guards, "{id}: `Null` stands beside `ForAllValues`");
            }
        }
    }
}

/// `(table, is it kept when the stack goes and protected while it is there)`
const TABLES: [(&str, bool); 6] = [
    ("ApplicationsTable", true),
    ("FlowsTable", false),
    ("SessionsTable", false),
    ("SigningKeysTable", true),
    ("ThrottlesTable", false),
    ("UsersTable", true),
];

#[test]
fn every_table_is_billed_by_use_and_protected_if_it_is_irreplaceable() {
    let template = template(TEMPLATE);
    let declared: Vec<_> = resources(&template, "AWS::DynamoDB::Table").map(|(id, _)| id).collect();
    assert_eq!(declared, TABLES.map(|(id, _)| id));
    for (id, kept) in TABLES {
        let table = &template["Resources"][id];
        let properties = &table["Properties"];
        assert_eq!(properties["BillingMode"], "PAY_PER_REQUEST", "{id}");

        let policy = if kept { json!("Retain") } else { Value::Null };
        assert_eq!([&table["DeletionPolicy"], &table["UpdateReplacePolicy"]], [&policy, &policy], "{id}");
        let protection = if kept { json!({"Ref": "DeletionProtection"}) } else { Value::Null };
        assert_eq!(properties["DeletionProtectionEnabled"], protection, "{id}");
    }
    assert_eq!(template["Parameters"]["DeletionProtection"]["Default"], "true");
}

#[test]
fn the_signing_keys_have_an_encryption_key_of_their_own_unless_the_deployment_wants_none() {
    let key = json!({"If": ["CreatesKmsKey", {"GetAtt": "SigningKeysKey.Arn"}, {"Ref": "SigningKeysKmsKey"}]});
    let own = json!({"SSEEnabled": true, "SSEType": "KMS", "KMSMasterKeyId": key});
    let encryption = &template(TEMPLATE)["Resources"]["SigningKeysTable"]["Properties"]["SSESpecification"];
    assert_eq!(*encryption, json!({"If": ["HasKmsKey", own, {"SSEEnabled": true}]}));
}

#[test]
fn only_this_api_and_the_accounts_own_authorizers_may_invoke() {
    let template = template(TEMPLATE);
    let permissions = resources(&template, "AWS::Lambda::Permission");
    for (id, permission) in permissions.filter(|(id, _)| *id != "RotateKeysPermission") {
        let invoked = if id.contains("Authorizer") { "*/authorizers/*" } else { "${Api}/*" };
        let source = format!("arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:{invoked}");
        let properties = &permission["Properties"];
        assert_eq!(properties["SourceArn"], json!({"Sub": source}), "{id}");
        assert_eq!(properties["Principal"], "apigateway.amazonaws.com", "{id}");
        assert_eq!(properties["Action"], "lambda:InvokeFunction", "{id}");
    }
    let permissions = resources(&template, "AWS::Lambda::Permission").count();
    assert_eq!(permissions, RIGHTS.len(), "one for each function");
    assert_eq!(resources(&template, "AWS::Lambda::Url").count(), 0, "no way around the API");
}

#[test]
fn the_schedule_and_nobody_else_runs_the_rotation_every_hour() {
    let template = template(TEMPLATE);
    let rule = &template["Resources"]["RotateKeysSchedule"]["Properties"];
    assert_eq!((&rule["ScheduleExpression"], &rule["State"]), (&json!("rate(1 hour)"), &json!("ENABLED")));
    let [target] = rule["Targets"].as_array().expect("targets").as_slice() else { panic!("{rule}") };
    assert_eq!(target["Arn"], json!({"GetAtt": "RotateKeysFunction.Arn"}));
    let permission = json!({
        "FunctionName": {"Ref": "RotateKeysFunction"},
        "Action": "lambda:InvokeFunction",
        "Principal": "events.amazonaws.com",
        "SourceArn": {"GetAtt": "RotateKeysSchedule.Arn"},
    });
    assert_eq!(template["Resources"]["RotateKeysPermission"]["Properties"], permission);
}

/// The names of an environment's variables.
fn variables(owner: &Value) -> BTreeSet<String> {
    let variables = owner["Environment"]["Variables"].as_object();
    variables.map(|variables| variables.keys().cloned().collect()).unwrap_or_default()
}

/// The settings that only some functions get: the peppers are worth stealing.
const SPECIAL: [(&str, &[&str]); 7] = [
    ("Authenticate", &["GATELET_PASSWORD_PEPPERS", "GATELET_SIGN_INS_PER_SOURCE"]),
    ("Authorizer", &["GATELET_AUTHORIZER_LIVE_CHECK", "GATELET_AUTHORIZER_MODE"]),
    ("OauthCallback", &["GATELET_OAUTH_PROVIDERS"]),
    ("OauthStart", &["GATELET_OAUTH_PROVIDERS", "GATELET_SIGN_INS_PER_SOURCE"]),
    ("OptionalAuthorizer", &["GATELET_AUTHORIZER_LIVE_CHECK", "GATELET_AUTHORIZER_MODE"]),
    ("Register", &["GATELET_PASSWORD_PEPPERS", "GATELET_REGISTRATIONS_PER_SOURCE"]),
    ("RotateKeys", &["GATELET_KEY_ROTATION_DAYS", "GATELET_SIGNING_ALGORITHM"]),
];

#[test]
fn every_setting_that_is_read_is_given_and_no_other() {
    let template = template(TEMPLATE);
    let mut given = variables(&template["Globals"]["Function"]);
    for (id, function) in resources(&template, "AWS::Serverless::Function") {
        let own = variables(&function["Properties"]);
        let special = SPECIAL.iter().find(|(stem, _)| id == format!("{stem}Function"));
        let expected = special.map(|(_, names)| names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(own, expected.unwrap_or_default(), "{id}");
        given.extend(own);
    }
    let read = |path| fs::read_to_string(project_file(path)).expect("the file is there");
    let source = ["shared/src/config.rs", "shared/src/config/settings.rs"].map(read).concat();
    let words = source.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    let read: BTreeSet<_> = words.filter(|word| word.starts_with("GATELET_")).map(str::to_owned).collect();
    assert_eq!(given, read);
}

#[test]
fn every_parameter_changes_something() {
    let template = template(TEMPLATE);
    let used = format!("{}{}{}", template["Conditions"], template["Globals"], template["Resources"]);
    for name in template["Parameters"].as_object().expect("parameters").keys() {
        let is_used = used.contains(&json!({"Ref": name}).to_string()) || used.contains(&format!("${{{name}}}"));
        assert!(is_used, "{name}");
    }
}

#[test]
fn every_function_has_the_time_that_a_request_may_take_and_api_gateway_waits_for_it() {
    let template = template(TEMPLATE);
    for (id, function) in resources(&template, "AWS::Serverless::Function") {
        let own = function["Properties"]["Timeout"].as_u64();
        let seconds = own.or_else(|| template["Globals"]["Function"]["Timeout"].as_u64()).expect("a timeout");
        // Nobody waits for a schedule's run.
        let limit = if id == "RotateKeysFunction" { 61 } else { 30 };
        assert!(REQUEST_BUDGET.as_secs() < seconds && seconds < limit, "{id}: {seconds} s");
        // API Gateway gives an authorizer 10 s.
        assert!(!id.contains("Authorizer") || seconds <= 10, "{id}: {seconds} s");
    }
}
