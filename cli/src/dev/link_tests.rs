//! Tests of [`super`], in a file of their own to keep both readable.

use super::*;
use crate::dev::names::Names;
use crate::dev::template::Template;

const TEMPLATE: &str = r#"
Resources:
  Api: {Type: AWS::ApiGatewayV2::Api}
  Stage: {Type: AWS::ApiGatewayV2::Stage, Properties: {StageName: $default}}
  Work: {Type: AWS::Serverless::Function, Properties: {CodeUri: x/job.zip}}
  Guard: {Type: AWS::Serverless::Function, Properties: {CodeUri: x/guard.zip}}
  ToWork: {Type: AWS::ApiGatewayV2::Integration, Properties: {IntegrationUri: !GetAtt Work.Arn, PayloadFormatVersion: "2.0", TimeoutInMillis: 99000}}
  Authorizer: {Type: AWS::ApiGatewayV2::Authorizer, Properties: {AuthorizerType: REQUEST, AuthorizerPayloadFormatVersion: "2.0", EnableSimpleResponses: true, AuthorizerUri: !Sub "arn:aws:apigateway:r:lambda:path/2015-03-31/functions/${Guard.Arn}/invocations"}}
  Route: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: GET /x, Target: !Sub "integrations/${ToWork}", AuthorizationType: CUSTOM, AuthorizerId: !Ref Authorizer}}
"#;

/// Links [`TEMPLATE`] with one text in place of another.
fn linked(from: &str, to: &str) -> Result<Routes<Target>, LinkError> {
    assert!(TEMPLATE.contains(from), "{from}");
    let names = Names { stack: "test", region: "r", base_url: "" };
    let template = Template::parse(&TEMPLATE.replacen(from, to, 1)).unwrap();
    let stack = template.evaluate(names, &BTreeMap::new(), &BTreeMap::new()).unwrap();
    let pools: Vec<_> = stack.functions.iter().cloned().map(Pool::of_test).collect();
    routes(&stack, &apis(&stack), &pools, "r")
}

#[test]
fn a_route_leads_to_its_function_past_its_authorizer() {
    let routes = linked("Work", "Work").unwrap();
    let found = routes.find("GET", "/x").unwrap();
    assert_eq!(found.target.pool.function().binary, "job");
    assert!(found.target.authorizer.is_some());
    assert_eq!(found.target.timeout, Duration::from_secs(30), "no integration gets more");
}

#[test]
fn an_alias_leads_to_its_function() {
    let routes = linked("!GetAtt Work.Arn", "!Sub '${Work.Arn}:live'").unwrap();
    assert_eq!(routes.find("GET", "/x").unwrap().target.pool.function().binary, "job");
    assert!(linked("!GetAtt Work.Arn", "!Sub '${Work.Arn}er'").is_err(), "a longer name is another function");
}

#[test]
fn what_does_not_hold_together_names_itself() {
    let cases = [
        ("GET /x", "/x", "`/x` is no route key"),
        ("!Ref Api", "other", "belongs to `other`"),
        ("integrations/${ToWork}", "integrations/nowhere", "`integrations/nowhere`"),
        ("!GetAtt Work.Arn", "arn:aws:lambda:r:0:function:other", "`test-ToWork` leads to no function"),
        (r#"PayloadFormatVersion: "2.0", T"#, r#"PayloadFormatVersion: "1.0", T"#, "needs PayloadFormatVersion 2.0"),
        ("!Ref Authorizer", "other", "no authorizer of its kind in the template: `other`"),
        ("AuthorizationType: CUSTOM", "AuthorizationType: AWS_IAM", "AuthorizationType AWS_IAM"),
        ("AuthorizationType: CUSTOM", "AuthorizationType: JWT", "no authorizer of its kind"),
        ("${Guard.Arn}", "nothing", "`test-Authorizer` leads to no function"),
        ("AuthorizerType: REQUEST", "AuthorizerType: JWT", "the authorizer `test-Authorizer`"),
        ("EnableSimpleResponses: true", "EnableSimpleResponses: false", "the authorizer `test-Authorizer`"),
        ("StageName: $default", "StageName: dev", "not `dev`"),
    ];
    for (from, to, expected) in cases {
        let error = linked(from, to).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn the_projects_own_templates_run_locally() {
    for deployment in ["AllAtOnce", "Canary10Percent5Minutes"] {
        run_the_projects_own_templates(deployment);
    }
}

fn run_the_projects_own_templates(deployment: &str) {
    let infra = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra");
    let names = Names { stack: "gatelet-local", region: "r", base_url: "http://127.0.0.1:9000" };
    let parameters = [("AllowedOrigins", "http://localhost:5173"), ("DeploymentPreference", deployment)];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let main = Template::read(&infra.join("template.yaml")).unwrap();
    let mut stack = main.evaluate(names, &parameters, &BTreeMap::new()).unwrap();
    assert_eq!(stack.tables.len(), 6);
    assert!(stack.apis[0].cors_configuration.is_some());

    let example = Template::read(&infra.join("examples/protected-api.yaml")).unwrap();
    let parameters = [("GateletStack", names.stack), ("NativeJwtRoute", "true")];
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let names = Names { stack: "example", ..names };
    stack.merge(example.evaluate(names, &parameters, &stack.exports).unwrap());
    let pools: Vec<_> = stack.functions.iter().cloned().map(Pool::of_test).collect();
    let routes = routes(&stack, &apis(&stack), &pools, "r").unwrap();
    assert_eq!(routes.find("POST", "/api/v1/auth/refresh").unwrap().target.pool.function().label, "refresh");
    assert!(routes.at("/api/v1/auth/refresh").unwrap().api.cors.is_some());
    let orders = routes.find("GET", "/orders").unwrap().target;
    assert!(matches!(orders.authorizer, Some(Admission::Lambda(_))));
    let invoices = routes.find("GET", "/invoices").unwrap().target;
    assert!(matches!(invoices.authorizer, Some(Admission::Jwt(..))));
    assert!(orders.api.cors.is_none(), "the example's API has none");
}
