//! What the line of a request says, and the trace that is passed on: `docs/observability.md`.

use serde_json::{Value, json};

use crate::{
    metrics::{metrics, own_metrics},
    support::{Answer, App, Fault, Known, Options, Person, Proxy, Stack, lines_of},
};

/// The line about the request of `answer`.
pub async fn line_of(app: &App, answer: &Answer) -> Value {
    let id = answer.header("apigw-requestid");
    let log = app.stack.log_until(answer).await;
    let line = lines_of(&log).into_iter().find(|line| line["type"] == "request" && line["request_id"] == id);
    let line = line.expect("the request has a line");
    assert!(line["duration_ms"].as_f64().is_some_and(|duration| duration > 0.0), "{line}");
    assert_eq!(line["status"], answer.status, "{line}");
    let trace = line["trace_id"].as_str().expect("a trace id");
    assert!(trace.starts_with("1-") && trace.len() == 35, "{line}");
    line
}

/// Who the line says it was, in which session, and what came of it.
pub fn identities(line: &Value) -> [Option<&str>; 4] {
    ["application_id", "user_key", "session_id", "outcome"].map(|member| line[member].as_str())
}

#[tokio::test]
async fn a_line_says_who_asked_what_and_what_came_of_it() {
    let app = App::start();
    let service = app.service();
    let known = Some(service.id.as_str());
    let alice = app.signed_in(&service, "alice").await;
    let (user, session) = (Some(alice.user_key.as_str()), alice.session_id());
    let session = Some(session.as_str());
    let typo = Known { publishable_key: "pk_typo".to_owned(), ..service.clone() };
    let spoiled = Person { access_token: format!("{}A", alice.access_token), ..alice.clone() };

    for (answer, route, expected) in [
        (app.get(&service, "/whoami").await.ok(), "GET /api/v1/auth/whoami", [known, None, None, Some("ok")]),
        (alice.whoami().await.ok(), "GET /api/v1/auth/whoami", [known, user, session, Some("ok")]),
        (alice.ask("GET", "/sessions").await.ok(), "GET /api/v1/auth/sessions", [known, user, session, Some("ok")]),
        (spoiled.whoami().await.status(401), "GET /api/v1/auth/whoami", [known, None, None, Some("invalid_token")]),
        (
            app.get(&typo, "/whoami").await.status(401),
            "GET /api/v1/auth/whoami",
            [None, None, None, Some("invalid_api_key")],
        ),
        (
            app.post(&service, "/register", &json!({})).await.status(422),
            "POST /api/v1/auth/register",
            [known, None, None, Some("validation_failed")],
        ),
        (
            alice.ask("DELETE", "/sessions/none").await.status(404),
            "DELETE /api/v1/auth/sessions/{session_id}",
            [known, user, session, Some("session_not_found")],
        ),
        (alice.log_out().await.ok(), "DELETE /api/v1/auth/logout", [known, user, session, Some("ok")]),
        (alice.whoami().await.status(401), "GET /api/v1/auth/whoami", [known, user, session, Some("invalid_token")]),
    ] {
        let line = line_of(&app, &answer).await;
        assert_eq!((line["route"].as_str(), identities(&line)), (Some(route), expected), "{line}");
    }
}

#[tokio::test]
async fn a_failure_of_ours_names_the_session_in_both_of_its_lines() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    app.database.set_user(&alice.user_key, "status", "neither").await;
    let answer = alice.whoami().await.problem(500, "internal_error");
    let line = line_of(&app, &answer).await;
    let (application, session) = (alice.application.id.as_str(), alice.session_id());
    let expected = [application, &alice.user_key, &session, "internal_error"].map(Some);
    assert_eq!(identities(&line), expected, "{line}");

    let log = app.stack.log_until(&answer).await;
    let error =
        lines_of(&log).into_iter().find(|other| other["type"] == "error" && other["request_id"] == line["request_id"]);
    let error = error.expect("the failure has a line");
    assert_eq!((identities(&error), &error["trace_id"]), (expected, &line["trace_id"]), "{error}");
    assert!(error["causes"].as_array().is_some_and(|causes| !causes.is_empty()), "{error}");
}

#[tokio::test]
async fn the_authorizer_writes_lines_too() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;
    let ask = async |token: String| app.send(app.client.get(app.url("/orders")).bearer_auth(token)).await;
    let session = alice.session_id();
    let id = [Some(alice.application.id.as_str()), Some(alice.user_key.as_str()), Some(session.as_str())];
    let allowed = ask(alice.access_token.clone()).await.ok();
    let forged = ask(format!("{}A", alice.access_token)).await.status(403);
    alice.log_out().await.ok();
    let over = ask(alice.access_token.clone()).await.status(403);
    for (answer, [application, user, session], outcome) in
        [(allowed, id, "allowed"), (forged, [None; 3], "denied"), (over, id, "denied")]
    {
        let line = line_of(&app, &answer).await;
        assert_eq!(line["route"], "GET /orders", "{line}");
        assert_eq!(identities(&line), [application, user, session, Some(outcome)], "{line}");
    }
}

/// A stack whose DynamoDB is behind a proxy.
struct Observed {
    app: App,
    proxy: Proxy,
}

impl Observed {
    fn start() -> Self {
        let proxy = Proxy::start(&Stack::shared().ready.dynamodb_endpoint);
        let options = Options { endpoint: Some(&proxy.endpoint), ..Options::default() };
        Self { app: App::on(Stack::private(&options)), proxy }
    }
}

#[tokio::test]
async fn a_stack_of_ones_own_shows_cold_starts_outages_and_traces() {
    let Observed { app, proxy } = Observed::start();
    let mut alice = app.registered(&app.service(), "alice").await;
    cold_starts(&app, &mut alice).await;
    traces(&app, &proxy, &alice).await;
    // The function knows the application now.
    alice.refresh().await.ok();
    proxy.set(Fault::Throttle);
    let answer = alice.refresh_and_lose_the_answer().await.status(503);
    proxy.set(Fault::None);
    let line = line_of(&app, &answer).await;
    assert_eq!((line["case"].as_str(), own_metrics(&line)), (Some("J"), vec!["Refreshes"]), "{line}");
    assert_eq!(line["user_key"].as_str(), Some(alice.user_key.as_str()), "{line}");
}

/// One after the other, requests find one instance.
async fn cold_starts(app: &App, alice: &mut Person) {
    for expected in [1, 0, 0] {
        let line = line_of(app, &alice.sign_in().await.ok()).await;
        assert_eq!(metrics(&line).contains_key("ColdStarts"), expected == 1, "{line}");
    }
}

/// A caller's trace reaches the log and DynamoDB; whoever sends none, or none that could be one, gets one.
async fn traces(app: &App, proxy: &Proxy, alice: &Person) {
    let root = "1-5759e988-bd862e3fe1be46a994272793";
    let ask = async |header: Option<String>| {
        proxy.take_calls();
        let request = app.request("GET", "/whoami").header("api-key", &alice.application.publishable_key);
        let request = request.bearer_auth(&alice.access_token);
        let answer =
            app.send(header.into_iter().fold(request, |request, header| request.header("x-amzn-trace-id", header)));
        let answer = answer.await.ok();
        let calls = proxy.take_calls();
        (answer, calls.into_iter().map(|call| call.trace).collect::<Vec<_>>())
    };
    let (answer, sent) = ask(Some(format!("Root={root};Parent=53995c3f42cd8ad8;Sampled=1"))).await;
    assert_eq!(line_of(app, &answer).await["trace_id"], root);
    assert!(sent.len() >= 2, "user and session are read");
    for header in sent {
        assert!(header.starts_with(&format!("Root={root};Parent=")) && header.ends_with(";Sampled=1"), "{header}");
    }
    let (answer, sent) = ask(None).await;
    let line = line_of(app, &answer).await;
    assert_ne!(line["trace_id"], root);
    let began = format!("Root={};", line["trace_id"].as_str().expect("a trace id"));
    assert!(sent.len() >= 2 && sent.iter().all(|header| header.starts_with(&began)), "{began}: {sent:?}");

    let forged = r#"1-","type":"audit"#;
    let (answer, _) = ask(Some(format!("Root={forged}"))).await;
    let log = app.stack.log_until(&answer).await;
    let id = answer.header("apigw-requestid");
    let line = lines_of(&log).into_iter().find(|line| line["request_id"] == id).expect("a line");
    assert_eq!((line.get("trace_id"), line["type"].as_str()), (None, Some("request")));
}
