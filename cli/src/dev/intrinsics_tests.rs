//! Tests of [`super`], in a file of their own to keep both readable.

use super::*;
use crate::dev::yaml;
use serde_json::json;

const TEMPLATE: &str = "
Conditions:
  IsProduction: !Equals [!Ref Environment, production]
  IsLocal: !Not [!Condition IsProduction]
  Both: !And [!Condition IsLocal, !Equals [1, '1']]
  Either: !Or [!Condition IsProduction, !Condition IsLocal]
  Endless: !Condition Endless
Mappings:
  Sizes: {small: {memory: 128}}
Resources:
  UsersTable: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Sub '${AWS::StackName}-users'}}
  Refresh: {Type: AWS::Serverless::Function, Properties: {AutoPublishAlias: live}}
  Logout: {Type: AWS::Serverless::Function}
  Api: {Type: AWS::ApiGatewayV2::Api}
  Loop: {Type: AWS::DynamoDB::Table, Properties: {TableName: !Ref Loop}}
";

fn evaluate(expression: &str) -> Evaluated<Option<Value>> {
    let template = yaml::parse(TEMPLATE).unwrap();
    let imports = BTreeMap::from([("main-ApiId".to_owned(), json!("abc"))]);
    let scope = Scope {
        parameters: BTreeMap::from([
            ("Environment".to_owned(), json!("local")),
            ("Origins".to_owned(), json!(["http://a", "http://b"])),
        ]),
        imports: &imports,
        conditions: template["Conditions"].as_object().unwrap(),
        mappings: template["Mappings"].as_object().unwrap(),
        resources: template["Resources"].as_object().unwrap(),
        names: Names { stack: "gatelet-local", region: "eu-west-1", base_url: "http://127.0.0.1:9000" },
    };
    scope.evaluate(&yaml::parse(expression).unwrap())
}

#[test]
fn every_function_has_cloudformations_value() {
    let cases = [
        ("!Ref Environment", json!("local")),
        ("!Ref Origins", json!(["http://a", "http://b"])),
        ("!Ref AWS::AccountId", json!("000000000000")),
        ("!Ref UsersTable", json!("gatelet-local-users")),
        ("!Ref Api", json!("gatelet-local-Api")),
        ("!GetAtt Refresh.Arn", json!("arn:aws:lambda:eu-west-1:000000000000:function:gatelet-local-Refresh")),
        ("!Ref Refresh.Alias", json!("arn:aws:lambda:eu-west-1:000000000000:function:gatelet-local-Refresh:live")),
        (
            "!Sub '${Refresh.Alias}/x'",
            json!("arn:aws:lambda:eu-west-1:000000000000:function:gatelet-local-Refresh:live/x"),
        ),
        ("Fn::GetAtt: [UsersTable, Arn]", json!("arn:aws:dynamodb:eu-west-1:000000000000:table/gatelet-local-users")),
        ("!GetAtt Api.ApiEndpoint", json!("http://127.0.0.1:9000")),
        ("!Sub 'a ${Environment} ${UsersTable.Arn} ${!kept} $'", {
            json!("a local arn:aws:dynamodb:eu-west-1:000000000000:table/gatelet-local-users ${kept} $")
        }),
        ("!Sub ['${x}/${AWS::Region}', {x: !Ref Environment}]", json!("local/eu-west-1")),
        ("!If [IsLocal, {a: 1, b: !Ref AWS::NoValue}, 2]", json!({"a": 1})),
        ("[!Ref AWS::NoValue, !If [IsProduction, 1, 2]]", json!([2])),
        ("!If [Both, !If [Either, both, one], none]", json!("both")),
        ("!Join [',', !Ref Origins]", json!("http://a,http://b")),
        ("!Split [',', 'a,b']", json!(["a", "b"])),
        ("!Select [1, !Split [',', 'a,b']]", json!("b")),
        ("!Select ['0', !Ref Origins]", json!("http://a")),
        ("!FindInMap [Sizes, small, memory]", json!(128)),
        ("!ImportValue main-ApiId", json!("abc")),
        (
            "Statement: [{Condition: {'Null': {x: 'false'}}}]",
            json!({"Statement": [{"Condition": {"Null": {"x": "false"}}}]}),
        ),
    ];
    for (expression, expected) in cases {
        assert_eq!(evaluate(expression), Ok(Some(expected)), "{expression}");
    }
}

#[test]
fn no_value_takes_the_property_away() {
    assert_eq!(evaluate("!Ref AWS::NoValue"), Ok(None));
    assert_eq!(evaluate("{a: !If [IsProduction, 1, !Ref AWS::NoValue]}"), Ok(Some(json!({}))));
}

#[test]
fn a_mistake_names_itself() {
    assert_eq!(evaluate("!Ref Missing"), Err(EvaluationError::UnknownReference("Missing".to_owned())));
    assert_eq!(evaluate("!Ref Logout.Alias"), Err(EvaluationError::UnknownReference("Logout.Alias".to_owned())));
    assert_eq!(evaluate("!Sub '${Missing.Arn}'"), Err(EvaluationError::UnknownReference("Missing".to_owned())));
    assert_eq!(evaluate("!If [Missing, 1, 2]"), Err(EvaluationError::UnknownCondition("Missing".to_owned())));
    assert_eq!(evaluate("!ImportValue x"), Err(EvaluationError::UnknownImport("x".to_owned())));
    assert_eq!(evaluate("!Cidr [a, 1, 2]"), Err(EvaluationError::UnsupportedFunction("Fn::Cidr".to_owned())));
    assert!(matches!(evaluate("!Select [7, [a]]"), Err(EvaluationError::BadArgument { function: "Fn::Select", .. })));
    assert!(matches!(evaluate("!Sub '${open'"), Err(EvaluationError::BadArgument { function: "Fn::Sub", .. })));
    assert!(matches!(evaluate("!Ref Loop"), Err(EvaluationError::Circular(_))));
    assert!(matches!(evaluate("!If [Endless, 1, 2]"), Err(EvaluationError::Circular(_))));
}
