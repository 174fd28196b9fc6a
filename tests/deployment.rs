//! How a deployment is limited, reached, encrypted and rolled out: the parts of `infra/template.yaml` that no request shows.

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};

use crate::support::{project_file, resources, template};

const TEMPLATE: &str = "infra/template.yaml";

/// The functions behind routes of this API. The others are called by other stacks' APIs.
fn endpoints(template: &Value) -> BTreeSet<String> {
    let integrations = resources(template, "AWS::ApiGatewayV2::Integration");
    integrations.map(|(id, _)| id.replace("Integration", "Function")).collect()
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
    let moved = functions["Resource"].as_array().expect("a list").iter().map(Value::to_string);
    let own = |id: &String| [json!({"GetAtt": format!("{id}.Arn")}), json!({"Sub": format!("${{{id}.Arn}}:live")})];
    let expected = endpoints(&template).iter().flat_map(own).map(|resource| resource.to_string()).collect();
    assert_eq!(moved.collect::<BTreeSet<_>>(), expected);

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
