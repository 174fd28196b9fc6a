//! How a deployment is logged and watched: logs, audit, alarms and dashboard of `infra/template.yaml`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{resources, template};

const TEMPLATE: &str = "infra/template.yaml";

fn functions(template: &Value) -> BTreeSet<String> {
    resources(template, "AWS::Serverless::Function").map(|(id, _)| id.to_owned()).collect()
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

/// `(namespace, metric, dimension)` of what alarms and dashboard may look at.
const METRICS: [(&str, &str, &str); 17] = [
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
    ("Gatelet", "SignInsThrottled", "service"),
    ("Gatelet", "SigningKeyAge", "service"),
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
