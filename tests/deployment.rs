//! How a deployment is limited, logged, watched and rolled out: the parts of `infra/template.yaml` that no request shows.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};

use crate::support::{project_file, resources, template};

const TEMPLATE: &str = "infra/template.yaml";

/// The functions behind routes of this API. The others are called by other stacks' APIs.
fn endpoints(template: &Value) -> BTreeSet<String> {
    let integrations = resources(template, "AWS::ApiGatewayV2::Integration");
    integrations.map(|(id, _)| id.replace("Integration", "Function")).collect()
}

fn functions(template: &Value) -> BTreeSet<String> {
    resources(template, "AWS::Serverless::Function").map(|(id, _)| id.to_owned()).collect()
}

/// Everything that a value refers to, by `Ref`, `GetAtt` or within `Sub`.
fn references(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    match value {
        Value::Object(object) => {
            for (key, inner) in object {
                match (key.as_str(), inner) {
                    ("Ref" | "GetAtt", Value::String(name)) => drop(found.insert(name.clone())),
                    ("Sub", Value::String(text)) => {
                        found.extend(
                            text.split("${").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned())),
                        );
                    }
                    _ => found.extend(references(inner)),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| found.extend(references(item))),
        _ => {}
    }
    found
}

#[test]
fn every_route_has_a_limit_and_those_that_hash_passwords_one_of_their_own() {
    let template = template(TEMPLATE);
    let stage = &template["Resources"]["Stage"];
    let limits =
        |rate: &str, burst: &str| json!({"ThrottlingRateLimit": {"Ref": rate}, "ThrottlingBurstLimit": {"Ref": burst}});
    assert_eq!(stage["Properties"]["DefaultRouteSettings"], limits("RateLimit", "BurstLimit"));
    let own = json!({
        "POST /api/v1/auth/authenticate": limits("AuthenticateRateLimit", "AuthenticateBurstLimit"),
        "POST /api/v1/auth/register": limits("RegisterRateLimit", "RegisterBurstLimit"),
    });
    assert_eq!(stage["Properties"]["RouteSettings"], own);

    let waits_for = stage["DependsOn"].as_array().expect("a list").iter();
    let keys: BTreeSet<_> = waits_for
        .map(|id| &template["Resources"][id.as_str().expect("an id")]["Properties"]["RouteKey"])
        .map(|key| key.as_str().expect("a route"))
        .collect();
    assert_eq!(keys, own.as_object().expect("an object").keys().map(String::as_str).collect());
}

/// What an access log may hold. Paths, query strings, headers, cookies and claims can hold what is nobody's business.
const LOGGED: [&str; 13] = [
    "error.message",
    "error.responseType",
    "identity.sourceIp",
    "integrationErrorMessage",
    "integrationLatency",
    "integrationStatus",
    "protocol",
    "requestId",
    "requestTime",
    "responseLatency",
    "responseLength",
    "routeKey",
    "status",
];

#[test]
fn the_access_log_is_json_without_secrets() {
    let template = template(TEMPLATE);
    let settings = &template["Resources"]["Stage"]["Properties"]["AccessLogSettings"];
    assert_eq!(settings["DestinationArn"], json!({"GetAtt": "ApiLogs.Arn"}));
    let format = settings["Format"].as_str().expect("a format");
    assert!(!format.contains('\n'), "one line for each request");

    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '.';
    let names = format.split("$context.").skip(1).map(|rest| rest.split(|c| !is_name(c)).next().unwrap_or_default());
    assert_eq!(names.collect::<BTreeSet<_>>(), BTreeSet::from(LOGGED));
    assert_eq!(format.matches('$').count(), LOGGED.len(), "nothing but the context, and that once");

    let filled = LOGGED.iter().fold(format.to_owned(), |line, name| line.replace(&format!("$context.{name}"), "0"));
    serde_json::from_str::<Value>(&filled).expect("a filled-in line is JSON");
}

#[test]
fn every_log_is_deleted_when_the_parameter_says() {
    let template = template(TEMPLATE);
    for (id, log) in resources(&template, "AWS::Logs::LogGroup") {
        assert_eq!(log["Properties"]["RetentionInDays"], json!({"Ref": "LogRetentionDays"}), "{id}");
    }
    let logs: BTreeSet<_> = resources(&template, "AWS::Logs::LogGroup").map(|(id, _)| id.to_owned()).collect();
    let mut expected: BTreeSet<_> = functions(&template).iter().map(|id| id.replace("Function", "Logs")).collect();
    expected.insert("ApiLogs".to_owned());
    assert_eq!(logs, expected);
}

#[test]
fn every_function_hands_its_audit_events_on_when_asked_to() {
    let template = template(TEMPLATE);
    let mut from = BTreeSet::new();
    for (id, filter) in resources(&template, "AWS::Logs::SubscriptionFilter") {
        let properties = &filter["Properties"];
        assert_eq!(filter["Condition"], "HasAudit", "{id}");
        assert_eq!(properties["FilterPattern"], r#"{ $.type = "audit" }"#, "{id}");
        assert_eq!(properties["DestinationArn"], json!({"Ref": "AuditDestinationArn"}), "{id}");
        let log = properties["LogGroupName"]["Ref"].as_str().expect("a log");
        assert_eq!(log, id.replace("Audit", "Logs"));
        from.insert(log.replace("Logs", "Function"));
    }
    assert_eq!(from, functions(&template));
}

#[test]
fn a_gradual_deployment_moves_every_endpoint_and_nothing_else() {
    let template = template(TEMPLATE);
    let is_gradual = |alias: &str, itself: Value| json!({"If": ["IsGradual", {"Ref": alias}, itself]});
    let endpoints = endpoints(&template);
    for (id, function) in resources(&template, "AWS::Serverless::Function") {
        let properties = &function["Properties"];
        if endpoints.contains(id) {
            let alias = format!("{id}.Alias");
            let stem = id.replace("Function", "");
            let permission = &template["Resources"][format!("{stem}Permission")]["Properties"]["FunctionName"];
            assert_eq!(*permission, is_gradual(&alias, json!({"Ref": id})), "{id}");
            let uri = &template["Resources"][format!("{stem}Integration")]["Properties"]["IntegrationUri"];
            assert_eq!(*uri, is_gradual(&alias, json!({"GetAtt": format!("{id}.Arn")})), "{id}");
            assert_eq!(properties["AutoPublishAlias"], "live", "{id}");
            // Without it, a version would be published for new code only, and no setting would ever reach `live`.
            assert_eq!(properties["VersionDescription"], json!({"Ref": "Release"}), "{id}");
            assert!(properties["DeploymentPreference"].is_null(), "{id}");
        } else {
            assert!(properties["AutoPublishAlias"].is_null(), "{id}");
            assert_eq!(properties["DeploymentPreference"], json!({"Enabled": false}), "{id}");
        }
    }
    // Lambda publishes no version of what has not changed.
    assert!(references(&template["Globals"]["Function"]["Description"]).contains("Release"));
}

#[test]
fn code_deploy_may_move_the_endpoints_aliases_and_look_at_the_alarms_that_stop_it() {
    let template = template(TEMPLATE);
    let role = &template["Resources"]["DeploymentRole"];
    assert_eq!(role["Condition"], "IsGradual");
    assert_eq!(
        role["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"],
        json!({"Service": "codedeploy.amazonaws.com"})
    );
    let statements = role["Properties"]["Policies"][0]["PolicyDocument"]["Statement"].as_array().expect("a list");
    let [functions, alarms] = statements.as_slice() else { panic!("{statements:?}") };

    assert_eq!(
        functions["Action"],
        json!(["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"])
    );
    let moved = references(&functions["Resource"]);
    assert_eq!(moved, endpoints(&template).iter().map(|id| format!("{id}.Arn")).collect());

    let stopping = &template["Globals"]["Function"]["DeploymentPreference"]["Alarms"]["If"];
    assert_eq!((&stopping[0], &stopping[2]), (&json!("IsGradual"), &json!([])));
    assert!(!references(stopping).is_empty());
    assert_eq!(alarms["Action"], "cloudwatch:DescribeAlarms");
    let seen = references(&alarms["Resource"]);
    assert_eq!(seen, references(stopping).iter().map(|id| format!("{id}.Arn")).collect());
}

#[test]
fn every_way_of_deploying_has_the_name_that_code_deploy_knows() {
    let template = template(TEMPLATE);
    let choices = template["Parameters"]["DeploymentPreference"]["AllowedValues"].as_array().expect("a list");
    let known = template["Mappings"]["Deployments"].as_object().expect("a map");
    assert_eq!(choices.len(), known.len());
    for choice in choices.iter().map(|choice| choice.as_str().expect("text")) {
        assert_eq!(known[choice]["Configuration"], format!("CodeDeployDefault.Lambda{choice}"));
        assert_eq!(known[choice]["Gradual"], (choice != "AllAtOnce").to_string(), "{choice}");
    }
}

/// `(namespace, metric, dimension)` of what alarms and dashboard may look at.
const METRICS: [(&str, &str, &str); 15] = [
    ("AWS/ApiGateway", "4xx", "ApiId"),
    ("AWS/ApiGateway", "5xx", "ApiId"),
    ("AWS/ApiGateway", "Count", "ApiId"),
    ("AWS/ApiGateway", "IntegrationLatency", "ApiId"),
    ("AWS/ApiGateway", "Latency", "ApiId"),
    ("AWS/Lambda", "ConcurrentExecutions", "FunctionName"),
    ("AWS/Lambda", "Duration", "FunctionName"),
    ("AWS/Lambda", "Errors", "FunctionName"),
    ("AWS/Lambda", "Throttles", "FunctionName"),
    ("Gatelet", "ColdStarts", "service"),
    ("Gatelet", "HashTime", "service"),
    ("Gatelet", "RefreshAheadOfTable", "service"),
    ("Gatelet", "RefreshReuse", "service"),
    ("Gatelet", "SignInFailures", "service"),
    ("Gatelet", "SignIns", "service"),
];

/// What a value of one of the dimensions must be.
fn is_in_the_stack(template: &Value, dimension: &str, value: &Value) -> bool {
    match (dimension, value["Ref"].as_str()) {
        ("ApiId", Some("Api")) | ("service", Some("AWS::StackName")) => true,
        ("FunctionName", Some(id)) => functions(template).contains(id),
        _ => false,
    }
}

/// The metrics of an alarm, whether it looks at one or calculates with several.
fn metrics(alarm: &Value) -> Vec<&Value> {
    let calculated = alarm["Metrics"].as_array().map(Vec::as_slice).unwrap_or_default();
    let several: Vec<_> =
        calculated.iter().map(|part| &part["MetricStat"]["Metric"]).filter(|metric| metric.is_object()).collect();
    if several.is_empty() { vec![alarm] } else { several }
}

#[test]
fn every_alarm_looks_at_metrics_that_there_are_and_tells_the_topic() {
    let template = template(TEMPLATE);
    let told = json!({"If": ["HasAlarmTopic", [{"Ref": "AlarmTopicArn"}], {"Ref": "AWS::NoValue"}]});
    for (id, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
        let properties = &alarm["Properties"];
        assert!(["HasAlarms", "HasHashingAlarm"].contains(&alarm["Condition"].as_str().unwrap_or_default()), "{id}");
        assert_eq!((&properties["AlarmActions"], &properties["OKActions"]), (&told, &told), "{id}");
        assert!(
            properties["AlarmDescription"].is_string() || properties["AlarmDescription"]["Sub"].is_string(),
            "{id}"
        );
        assert!(properties["TreatMissingData"].is_string(), "{id}");
        let metrics = metrics(properties);
        assert!(metrics.len() <= 10, "{id}: CloudWatch takes ten");
        for metric in metrics {
            let [dimension] = metric["Dimensions"].as_array().expect("dimensions").as_slice() else {
                panic!("{id}: {metric}")
            };
            let text = |value: &Value| value.as_str().expect("text").to_owned();
            let known = (text(&metric["Namespace"]), text(&metric["MetricName"]), text(&dimension["Name"]));
            assert!(METRICS.contains(&(&*known.0, &*known.1, &*known.2)), "{id}: {known:?}");
            assert!(is_in_the_stack(&template, &known.2, &dimension["Value"]), "{id}: {dimension}");
        }
    }
}

#[test]
fn every_functions_errors_and_throttles_are_watched_once() {
    let template = template(TEMPLATE);
    for watched in ["Errors", "Throttles"] {
        let alarms = resources(&template, "AWS::CloudWatch::Alarm");
        let metrics = alarms
            .flat_map(|(_, alarm)| metrics(&alarm["Properties"]))
            .filter(|metric| metric["MetricName"] == watched);
        let named =
            metrics.map(|metric| metric["Dimensions"][0]["Value"]["Ref"].as_str().expect("a function").to_owned());
        let mut named: Vec<_> = named.collect();
        named.sort_unstable();
        assert_eq!(named, functions(&template).into_iter().collect::<Vec<_>>(), "{watched}");
    }
}

#[test]
fn the_dashboard_shows_metrics_that_there_are() {
    let template = template(TEMPLATE);
    let body =
        template["Resources"]["OverviewDashboard"]["Properties"]["DashboardBody"]["Sub"].as_str().expect("a body");
    let body: Value = serde_json::from_str(body).expect("JSON");
    for widget in body["widgets"].as_array().expect("widgets") {
        for metric in widget["properties"]["metrics"].as_array().expect("metrics") {
            let Some([namespace, name, dimension, value]) = metric
                .as_array()
                .map(|parts| parts.iter().filter_map(Value::as_str).collect::<Vec<_>>())
                .and_then(|parts| <[&str; 4]>::try_from(parts).ok())
            else {
                assert!(
                    metric[0]["expression"].as_str().is_some_and(|text| text.starts_with("SEARCH('{Gatelet,")),
                    "{metric}"
                );
                continue;
            };
            assert!(METRICS.contains(&(namespace, name, dimension)), "{metric}");
            let id = value.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).expect("a reference");
            assert!(is_in_the_stack(&template, dimension, &json!({"Ref": id})), "{metric}");
        }
    }
}

#[test]
fn the_key_of_the_signing_keys_can_be_used_through_dynamodb_only() {
    let template = template(TEMPLATE);
    let key = &template["Resources"]["SigningKeysKey"];
    assert_eq!((&key["DeletionPolicy"], &key["UpdateReplacePolicy"]), (&json!("Retain"), &json!("Retain")));
    assert_eq!(key["Properties"]["EnableKeyRotation"], true);
    let via = json!({"kms:ViaService": {"Sub": "dynamodb.${AWS::Region}.${AWS::URLSuffix}"}});
    for statement in key["Properties"]["KeyPolicy"]["Statement"].as_array().expect("a list") {
        assert_eq!(
            statement["Principal"],
            json!({"AWS": {"Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"}})
        );
        let actions = statement["Action"].to_string();
        assert!(!actions.contains('*'), "{actions}");
        let uses = ["Decrypt", "Encrypt", "GenerateDataKey", "CreateGrant", "Sign", "Verify", "Mac"];
        if uses.iter().any(|word| actions.contains(word)) {
            assert_eq!(statement["Condition"]["StringEquals"], via, "{actions}");
        }
        assert_eq!(actions.contains("CreateGrant"), !statement["Condition"]["Bool"].is_null(), "{actions}");
    }
}

#[test]
fn what_the_functions_take_for_the_issuer_is_what_the_stack_says_it_is() {
    let template = template(TEMPLATE);
    let issuer = &template["Outputs"]["Issuer"]["Value"];
    assert_eq!(template["Globals"]["Function"]["Environment"]["Variables"]["GATELET_ISSUER"], *issuer);
    let keys = issuer.to_string().replace("/api/v1/auth\"", "/api/v1/auth/.well-known/jwks.json\"");
    let keys = keys.replace(r#"{"Ref":"Issuer"}"#, r#"{"Sub":"${Issuer}/.well-known/jwks.json"}"#);
    assert_eq!(template["Outputs"]["JwksUrl"]["Value"].to_string(), keys);
    assert_eq!(template["Outputs"]["Audience"]["Value"], json!({"If": ["HasAudience", {"Ref": "Audience"}, issuer]}));
}

#[test]
fn with_a_domain_there_is_no_second_way_in_unless_it_is_kept() {
    let template = template(TEMPLATE);
    assert_eq!(
        template["Resources"]["Api"]["Properties"]["DisableExecuteApiEndpoint"],
        json!({"If": ["HasOnlyDomain", true, false]})
    );
    let has_only_domain = json!([{"Condition": "HasDomain"}, {"Equals": [{"Ref": "KeepDefaultEndpoint"}, "false"]}]);
    assert_eq!(template["Conditions"]["HasOnlyDomain"]["And"], has_only_domain);
    let mapping = &template["Resources"]["DomainMapping"]["Properties"];
    assert!(mapping["ApiMappingKey"].is_null(), "the functions' routes are whole paths");
}

#[test]
fn the_readme_lists_every_parameter_with_its_default() {
    let template = template(TEMPLATE);
    let readme = fs::read_to_string(project_file("infra/README.md")).expect("the file is there");
    let rows = readme.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let listed: Vec<_> = rows.collect();
    let parameters = template["Parameters"].as_object().expect("parameters");
    let names: BTreeSet<_> = listed.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, parameters.keys().map(String::as_str).collect());
    assert_eq!(names.len(), listed.len(), "each once");
    for (name, rest) in listed {
        let cell = rest.split(" | ").next().expect("a cell");
        let default =
            parameters[name]["Default"].as_str().map_or_else(|| parameters[name]["Default"].to_string(), str::to_owned);
        // What an empty one comes to is said in words.
        assert!(default.is_empty() || cell.trim_matches('`') == default, "{name}: {cell} is not {default}");
        assert!(!default.is_empty() || !cell.starts_with('`'), "{name}: {cell}");
    }
}
