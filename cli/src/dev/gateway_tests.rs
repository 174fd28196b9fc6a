//! Tests of [`super`]: over real connections, with instances that are played by the test.

use super::*;
use crate::dev::link;
use crate::dev::names::Names;
use crate::dev::pool::Pool;
use crate::dev::server;
use crate::dev::template::Template;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const TEMPLATE: &str = r#"
Resources:
  Api: {Type: AWS::ApiGatewayV2::Api, Properties: {CorsConfiguration: {AllowOrigins: ["http://app"], AllowMethods: [GET]}}}
  OtherApi: {Type: AWS::ApiGatewayV2::Api}
  Work: {Type: AWS::Serverless::Function, Properties: {CodeUri: x/job.zip}}
  Guard: {Type: AWS::Serverless::Function, Properties: {CodeUri: x/guard.zip}}
  ToWork: {Type: AWS::ApiGatewayV2::Integration, Properties: {IntegrationUri: !GetAtt Work.Arn, PayloadFormatVersion: "2.0"}}
  Impatient:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {IntegrationUri: !GetAtt Work.Arn, PayloadFormatVersion: "2.0", TimeoutInMillis: 50}
  Required:
    Type: AWS::ApiGatewayV2::Authorizer
    Properties:
      AuthorizerType: REQUEST
      AuthorizerPayloadFormatVersion: "2.0"
      EnableSimpleResponses: true
      AuthorizerUri: !Sub "arn:aws:apigateway:x:lambda:path/2015-03-31/functions/${Guard.Arn}/invocations"
      IdentitySource: [$request.header.Authorization]
      AuthorizerResultTtlInSeconds: 0
  Open: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: ANY /open, Target: !Sub "integrations/${ToWork}"}}
  Slow: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref Api, RouteKey: GET /slow, Target: !Sub "integrations/${Impatient}"}}
  Other: {Type: AWS::ApiGatewayV2::Route, Properties: {ApiId: !Ref OtherApi, RouteKey: GET /other-api, Target: !Sub "integrations/${ToWork}"}}
  Guarded:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: GET /guarded, Target: !Sub "integrations/${ToWork}", AuthorizationType: CUSTOM, AuthorizerId: !Ref Required}
"#;

/// What the instance of a function makes of an event.
type Play = fn(&Value) -> Outcome;

/// Serves [`TEMPLATE`] with `work` behind its routes.
async fn gateway(work: Play) -> SocketAddr {
    gateway_before(Some(work)).await
}

/// As [`gateway`]; without `work`, the function never answers.
async fn gateway_before(work: Option<Play>) -> SocketAddr {
    let names = Names { stack: "test", region: "eu-west-1", base_url: "" };
    let stack = Template::parse(TEMPLATE).unwrap().evaluate(names, &BTreeMap::new(), &BTreeMap::new()).unwrap();
    let pools: Vec<Arc<Pool>> = stack.functions.iter().cloned().map(Pool::of_test).collect();
    for pool in &pools {
        let play = if pool.function().binary == "guard" { Some(guard as Play) } else { work };
        tokio::spawn(act(Arc::clone(pool), play));
    }
    let apis = link::apis(&stack);
    let handler = Gateway {
        port: 9000,
        routes: link::routes(&stack, &apis, &pools, "eu-west-1").unwrap(),
        apis,
        invoke_api: InvokeApi(pools),
        pages: None,
    };
    let listener = server::bind(0).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server::serve(listener, Arc::new(handler)));
    address
}

/// Plays one instance: takes work for as long as there is any.
async fn act(pool: Arc<Pool>, play: Option<Play>) {
    let id = pool.add_test_instance();
    while let Some(door) = pool.next(id) {
        let Ok(work) = door.await else { return };
        let Some(play) = play else {
            return std::future::pending().await;
        };
        let outcome = play(&serde_json::from_slice(&work.event).unwrap());
        assert!(pool.finish(id, &work.request_id, outcome));
    }
}

fn guard(event: &Value) -> Outcome {
    match event["identitySource"][0].as_str().unwrap() {
        "allow" => answered(&json!({"isAuthorized": true, "context": {"user_key": "u"}})),
        "deny" => answered(&json!({"isAuthorized": false})),
        _ => Outcome::Died,
    }
}

fn echo(event: &Value) -> Outcome {
    answered(event)
}

fn answered(value: &Value) -> Outcome {
    Outcome::Answered(Bytes::from(value.to_string()))
}

/// Sends `request` as it is, and reads until the gateway closes the connection.
async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The gateway may answer, and close, before it has read everything.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

/// Sends a request without a body: the status, the head in lower case, and the body.
async fn send(address: SocketAddr, method: &str, target: &str, headers: &str) -> (u16, String, String) {
    let request = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n");
    let answer = exchange(address, request.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_lowercase(), body.to_owned())
}

#[tokio::test]
async fn a_request_reaches_its_function_and_its_answer_comes_back() {
    let address = gateway(echo).await;
    let (status, head, body) = send(address, "GET", "/open?a=1", "Cookie: b=2\r\nOrigin: http://app\r\n").await;
    let event: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(status, 200);
    assert!(head.contains("apigw-requestid: ") && head.contains("access-control-allow-origin: http://app"), "{head}");
    assert_eq!((&event["routeKey"], &event["cookies"]), (&json!("ANY /open"), &json!(["b=2"])));
}

#[tokio::test]
async fn what_no_route_names_is_not_found_but_still_answers_cors() {
    let address = gateway(echo).await;
    for (method, target) in [("GET", "/other"), ("HEAD", "/guarded"), ("POST", "/guarded")] {
        let (status, head, _) = send(address, method, target, "Origin: http://app\r\n").await;
        assert_eq!(status, 404, "{method} {target}");
        assert!(head.contains("access-control-allow-origin: http://app"), "{head}");
    }
    assert_eq!(send(address, "GET", "/other", "").await.2, r#"{"message":"Not Found"}"#);
}

#[tokio::test]
async fn every_api_has_cors_of_its_own() {
    let address = gateway(echo).await;
    let (_, head, body) = send(address, "GET", "/other-api", "Origin: http://app\r\n").await;
    let event: Value = serde_json::from_str(&body).unwrap();
    assert!(!head.contains("access-control"), "{head}");
    assert_eq!(event["requestContext"]["apiId"], "test-OtherApi");

    let asks = "Origin: http://app\r\nAccess-Control-Request-Method: GET\r\n";
    assert_eq!(
        send(address, "OPTIONS", "/other-api", asks).await.0,
        404,
        "without CORS it is a request like any other"
    );
    let (status, head, _) = send(address, "OPTIONS", "/guarded", asks).await;
    assert!(status == 204 && head.contains("access-control-allow-origin: http://app"), "{head}");
}

#[tokio::test]
async fn an_authorizer_decides_who_passes() {
    let address = gateway(echo).await;
    let (status, _, body) = send(address, "GET", "/guarded", "Authorization: allow\r\n").await;
    let event: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &event["requestContext"]["authorizer"]["lambda"]["user_key"]), (200, &json!("u")));

    for (headers, status, message) in [
        ("", 401, "Unauthorized"),
        ("Authorization: deny\r\n", 403, "Forbidden"),
        ("Authorization: break\r\n", 500, "Internal Server Error"),
    ] {
        let answer = send(address, "GET", "/guarded", headers).await;
        assert_eq!((answer.0, answer.2), (status, json!({ "message": message }).to_string()));
    }
}

#[tokio::test]
async fn a_function_that_fails_is_an_internal_server_error() {
    let broken: [Play; 4] = [
        |_| Outcome::Died,
        |_| Outcome::TimedOut,
        |_| Outcome::Failed(Bytes::from_static(b"{}")),
        |_| Outcome::Answered(Bytes::from_static(b"not json")),
    ];
    for work in broken {
        let (status, _, body) = send(gateway(work).await, "GET", "/open", "").await;
        assert_eq!((status, body.as_str()), (500, r#"{"message":"Internal Server Error"}"#));
    }
}

#[tokio::test]
async fn a_function_that_takes_too_long_is_unavailable() {
    let (status, _, body) = send(gateway_before(None).await, "GET", "/slow", "").await;
    assert_eq!((status, body.as_str()), (503, r#"{"message":"Service Unavailable"}"#));
}

#[tokio::test]
async fn too_much_is_refused_in_api_gateways_words() {
    let address = gateway(echo).await;
    let header = format!("X-Large: {}\r\n", "a".repeat(MAX_HEAD_BYTES));
    let (status, _, body) = send(address, "GET", "/open", &header).await;
    assert_eq!((status, body.as_str()), (431, r#"{"message":"Request Header Fields Too Large"}"#));

    let target = format!("/open?{}", "a".repeat(MAX_HEAD_BYTES));
    assert_eq!(send(address, "GET", &target, "").await.0, 431);

    let announced = format!("Content-Length: {}\r\n", MAX_BODY_BYTES + 1);
    let (status, _, body) = send(address, "POST", "/open", &announced).await;
    assert_eq!((status, body.as_str()), (413, r#"{"message":"Request Entity Too Large"}"#));
}

#[tokio::test]
async fn only_its_own_names_are_answered() {
    let address = gateway(echo).await;
    for head in ["Host: evil.example", "Host: localhost\r\nHost: localhost", "X: no host"] {
        let request = format!("GET /open HTTP/1.1\r\nConnection: close\r\n{head}\r\n\r\n");
        let answer = exchange(address, request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 403 ") && answer.ends_with(r#"{"message":"Forbidden"}"#), "{answer}");
    }
}

#[tokio::test]
async fn half_sent_requests_keep_nobody_waiting() {
    let address = gateway(echo).await;
    let mut half = Vec::new();
    for start in
        ["", "GET /op", "POST /open HTTP/1.1\r\nHost: x\r\n", "POST /open HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"]
    {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        half.push(stream);
    }
    assert_eq!(send(address, "GET", "/open", "").await.0, 200);
}

#[tokio::test]
async fn a_hundred_at_once_are_all_served() {
    let address = gateway(echo).await;
    let requests: Vec<_> =
        (0..100).map(|_| tokio::spawn(async move { send(address, "GET", "/open", "").await.0 })).collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), 200);
    }
}

#[tokio::test]
async fn functions_can_be_invoked_directly_but_not_by_a_page() {
    let address = gateway(echo).await;
    let invoke = |name: &'static str, headers: &'static str| async move {
        let target = format!("/2015-03-31/functions/{name}/invocations");
        send(address, "POST", &target, headers).await
    };
    for name in ["job", "Work", "test-Work"] {
        let (status, _, body) = invoke(name, "").await;
        assert_eq!((status, body.as_str()), (200, "{}"), "{name}");
    }
    assert_eq!(invoke("other", "").await.0, 404);
    assert_eq!(invoke("job", "Origin: http://evil\r\n").await.0, 403);
    assert_eq!(invoke("job", "X-Amz-Invocation-Type: Event\r\n").await.0, 202);
}
