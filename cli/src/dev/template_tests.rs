//! Tests of [`super`], in a file of their own to keep both readable.

use super::*;

const NAMES: Names = Names { stack: "gatelet-local", region: "eu-west-1", base_url: "http://127.0.0.1:9000" };

const TEMPLATE: &str = "
Parameters:
  Issuer: {Type: String}
  AllowedOrigins: {Type: CommaDelimitedList, Default: 'http://a, http://b'}
  Grace: {Type: Number, Default: 30}
  Port: {Type: Number, Default: 8, MinValue: 8, MaxValue: '64'}
  Share: {Type: Number, Default: 1, MaxValue: 1.5}
  Mode: {Type: String, Default: strong, AllowedValues: [strong, eventual]}
Conditions:
  Never: !Equals [a, b]
Globals:
  Function:
    Timeout: 10
    MemorySize: !Ref Memory
    Environment: {Variables: {ISSUER: !Ref Issuer, GRACE: !Ref Grace, FLAG: true}}
Resources:
  Unused: {Type: AWS::IAM::Role, Properties: {Anything: !Cidr [a, 1, 2]}}
  Absent: {Type: AWS::Serverless::Function, Condition: Never, Properties: {CodeUri: x/}}
  RefreshFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: ../target/lambda/refresh.zip
      Role: !GetAtt Unused.Arn
      Timeout: !Ref Grace
      Environment: {Variables: {SESSIONS_TABLE: !Ref Sessions, GRACE: 5}}
  StrictAuthorizer: {Type: AWS::Serverless::Function, Properties: {CodeUri: ../target/lambda/authorizer.zip}}
  LaxAuthorizer: {Type: AWS::Serverless::Function, Properties: {CodeUri: ../target/lambda/authorizer.zip}}
  Sessions:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: !Sub ${AWS::StackName}-sessions
      BillingMode: PAY_PER_REQUEST
      KeySchema: [{AttributeName: user_key, KeyType: HASH}, {AttributeName: session_id, KeyType: RANGE}]
      AttributeDefinitions: [{AttributeName: user_key, AttributeType: S}, {AttributeName: session_id, AttributeType: S}]
      TimeToLiveSpecification: {AttributeName: expires_at, Enabled: true}
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {CorsConfiguration: {AllowOrigins: !Ref AllowedOrigins, AllowCredentials: true, MaxAge: '600'}}
  RefreshIntegration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {IntegrationUri: !GetAtt RefreshFunction.Arn, PayloadFormatVersion: '2.0'}
  RefreshRoute:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: POST /refresh, Target: !Sub 'integrations/${RefreshIntegration}'}
Outputs:
  ApiId: {Value: !Ref Api, Export: {Name: !Sub '${AWS::StackName}-ApiId'}}
  Plain: {Value: !Cidr [a]}
";

fn evaluate(parameters: &[(&str, &str)]) -> Result<Stack, TemplateError> {
    let template = TEMPLATE.replace("!Ref Memory", "'256'");
    let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Template::parse(&template).unwrap().evaluate(NAMES, &parameters, &BTreeMap::new())
}

#[test]
fn functions_merge_globals_with_their_own_properties() {
    let stack = evaluate(&[("Issuer", "http://issuer")]).unwrap();
    let refresh = stack.functions.iter().find(|function| function.binary == "refresh").unwrap();
    assert_eq!(refresh.label, "refresh");
    assert_eq!(refresh.name, "gatelet-local-RefreshFunction");
    assert_eq!(refresh.arn, "arn:aws:lambda:eu-west-1:000000000000:function:gatelet-local-RefreshFunction");
    assert_eq!(refresh.timeout, Duration::from_secs(30));
    assert_eq!(refresh.memory_mb, 256);
    let variables: Vec<_> = refresh.environment.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(variables, ["FLAG=true", "GRACE=5", "ISSUER=http://issuer", "SESSIONS_TABLE=gatelet-local-sessions"]);
}

#[test]
fn functions_with_the_same_binary_go_by_their_logical_ids() {
    let stack = evaluate(&[("Issuer", "x")]).unwrap();
    let mut labels: Vec<_> = stack.functions.iter().map(|function| function.label.as_str()).collect();
    labels.sort_unstable();
    assert_eq!(labels, ["LaxAuthorizer", "StrictAuthorizer", "refresh"]);
}

#[test]
fn tables_routes_cors_and_exports_are_as_declared() {
    let stack = evaluate(&[("Issuer", "x")]).unwrap();
    let table = &stack.tables[0];
    assert_eq!((table.table_name.as_str(), table.key_schema.len()), ("gatelet-local-sessions", 2));
    assert!(table.time_to_live_specification.as_ref().unwrap().enabled);
    let cors = stack.apis[0].cors_configuration.as_ref().unwrap();
    assert_eq!(cors.allow_origins, ["http://a", "http://b"]);
    assert_eq!(cors.max_age, Some(600));
    let integration = stack.routes[0].target.strip_prefix("integrations/").unwrap();
    assert!(stack.integrations[integration].integration_uri.ends_with("function:gatelet-local-RefreshFunction"));
    assert_eq!(stack.exports["gatelet-local-ApiId"], "gatelet-local-Api");
}

#[test]
fn parameters_are_checked() {
    let error = |parameters: &[(&str, &str)]| evaluate(parameters).unwrap_err().to_string();
    assert!(error(&[]).contains("--parameter Issuer=VALUE"));
    assert!(error(&[("Issuer", "x"), ("Typo", "1")]).contains("`Typo`"));
    assert!(error(&[("Issuer", "x"), ("Mode", "weak")]).contains("strong, eventual"));
    for (name, value, expected) in [
        ("Port", "7", "`Port` must be a number from 8 to 64, not `7`"),
        ("Port", "65", "`Port` must be"),
        ("Port", "many", "`Port` must be"),
        ("Share", "1.6", "a number up to 1.5"),
    ] {
        let error = error(&[("Issuer", "x"), (name, value)]);
        assert!(error.contains(expected), "{error}");
    }
    assert!(evaluate(&[("Issuer", "x"), ("Port", "64"), ("Share", "-1")]).is_ok());
    assert!(error(&[("Issuer", "x"), ("Grace", "soon")]).contains("RefreshFunction"));
}

#[test]
fn a_second_template_imports_what_the_first_exports() {
    let mut stack = evaluate(&[("Issuer", "x")]).unwrap();
    let example = "
        Resources:
          Hello: {Type: AWS::Serverless::Function, Properties: {CodeUri: a/protected_api.zip, Environment: {Variables: {API: !ImportValue gatelet-local-ApiId}}}}
    ";
    let names = Names { stack: "example", ..NAMES };
    let example = Template::parse(example).unwrap().evaluate(names, &BTreeMap::new(), &stack.exports).unwrap();
    stack.merge(example);
    let hello = stack.functions.last().unwrap();
    assert_eq!((hello.name.as_str(), hello.environment["API"].as_str()), ("example-Hello", "gatelet-local-Api"));
}
