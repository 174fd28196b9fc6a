//! The security events against their documentation and their schema: `docs/audit-events.md`, `docs/audit-event.schema.json`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared::{
    audit::{Action, Event},
    flow::Purpose,
    ids::SessionId,
    world::{System, World},
};

use crate::{
    metrics::refreshes,
    support::{App, Browser, PASSWORD, believed, issue_code, lines_of, presented, project_file},
    throttling::{about_to_be_locked, too_many_registrations},
};

fn schema() -> Value {
    let text = std::fs::read_to_string(project_file("docs/audit-event.schema.json")).expect("the schema is there");
    serde_json::from_str(&text).expect("the schema is JSON")
}

/// What is wrong with `value`, by as much of JSON Schema as ours uses. A keyword that is not known here is wrong too.
fn faults(schema: &Value, value: &Value) -> Vec<String> {
    let keywords = schema.as_object().expect("a schema is an object");
    keywords.iter().flat_map(|(keyword, rule)| faults_by(keyword, rule, schema, value)).collect()
}

fn faults_by(keyword: &str, rule: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let members = || value.as_object().into_iter().flatten();
    let items = || rule.as_array().into_iter().flatten();
    let holds = match keyword {
        "$schema" | "title" | "description" | "then" => true,
        "type" => match rule.as_str() {
            Some("object") => value.is_object(),
            Some("string") => value.is_string(),
            Some("integer") => value.is_i64() || value.is_u64(),
            _ => false,
        },
        "const" => value == rule,
        "enum" => items().any(|allowed| allowed == value),
        "minimum" => value.as_f64() >= rule.as_f64(),
        "format" => rule == "uuid" && value.as_str().is_some_and(|text| text.parse::<SessionId>().is_ok()),
        "required" => items().all(|name| name.as_str().is_some_and(|name| value.get(name).is_some())),
        "propertyNames" => members().all(|(name, _)| faults(rule, &json!(name)).is_empty()),
        "properties" => {
            return members().filter_map(|(name, inner)| Some(faults(rule.get(name)?, inner))).flatten().collect();
        }
        "allOf" => return items().flat_map(|part| faults(part, value)).collect(),
        "if" => return if faults(rule, value).is_empty() { faults(&schema["then"], value) } else { Vec::new() },
        _ => false,
    };
    if holds { Vec::new() } else { vec![format!("{keyword} {rule}: {value}")] }
}

/// The names of all events that the code can write.
fn names() -> BTreeSet<String> {
    Action::ALL.iter().map(|action| action.name().to_owned()).collect()
}

/// The rows of the page's table of events: name, and the members in the last column.
fn documented() -> BTreeSet<String> {
    let page = std::fs::read_to_string(project_file("docs/audit-events.md")).expect("the page is there");
    let rows = page.lines().skip_while(|line| !line.starts_with("| event |")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|row| row.split('`').nth(1).unwrap_or_default().to_owned()).collect()
}

#[test]
fn code_page_and_schema_know_the_same_events_and_members() {
    let schema = schema();
    let listed = |value: &Value| -> BTreeSet<String> {
        value.as_array().into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
    };
    let rules = schema["allOf"].as_array().expect("a rule for each event");
    let with_a_rule: BTreeSet<_> = rules
        .iter()
        .filter_map(|rule| rule["if"]["properties"]["event"]["const"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(names(), documented());
    assert_eq!(names(), listed(&schema["properties"]["event"]["enum"]));
    assert_eq!(names(), with_a_rule);

    let page = std::fs::read_to_string(project_file("docs/audit-events.md")).expect("the page is there");
    for member in schema["properties"].as_object().expect("members").keys() {
        assert!(page.contains(&format!("\n| `{member}` |")), "the page does not explain {member}");
    }
    let example = page.lines().find(|line| line.starts_with("{\"type\":\"audit\"")).expect("the page has an example");
    let example = serde_json::from_str(example).expect("the example is JSON");
    assert_eq!(faults(&schema, &example), Vec::<String>::new());
}

#[test]
fn the_schema_refuses_what_is_no_event() {
    let schema = schema();
    let good = json!({
        "type": "audit", "event": "refresh.reuse_detected", "time": 1, "case": "D", "request_id": "x", "source_ip": "::1",
        "application_id": "01890a5d-ac96-4774-bcce-b302099a8057", "user_key": "6f9619ff-8b86-4011-b42d-00c04fc964ff",
        "session_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    });
    assert_eq!(faults(&schema, &good), Vec::<String>::new());
    for (member, value) in [
        ("event", json!("refresh.invented")),
        ("event", json!("user.registered")),
        ("case", json!("A")),
        ("case", json!(null)),
        ("time", json!(-1)),
        ("time", json!("2026-11-21T20:01:00Z")),
        ("session_id", json!("none")),
        ("source_ip", json!(["::1"])),
        ("token", json!("gl_rt_junk")),
        ("kid", json!("k")),
    ] {
        let mut bad = good.clone();
        bad[member] = value;
        assert!(!faults(&schema, &bad).is_empty(), "{bad}");
    }
    for member in good.as_object().expect("an object").keys() {
        let mut bad = good.clone();
        bad.as_object_mut().expect("an object").remove(member);
        assert!(!faults(&schema, &bad).is_empty(), "without {member}");
    }
}

/// Causes every event that a request can cause. The last answer of each function that has something to say.
async fn everything_happens(app: &App) -> Vec<crate::support::Answer> {
    let mut answers: Vec<_> = refreshes(app).await.into_iter().map(|(answer, ..)| answer).collect();
    let service = app.service();
    let mut alice = app.signed_in(&service, "alice").await;
    let wrong = json!({"user_id": alice.user_id, "user_secret": "not hers at all"});
    let unknown = json!({"user_id": app.fresh_name("nobody"), "user_secret": PASSWORD});
    answers.push(app.post(&service, "/authenticate", &wrong).await.status(401));
    answers.push(app.post(&service, "/authenticate", &unknown).await.status(401));
    answers.push(alice.log_out().await.ok());

    alice.sign_in().await.ok();
    let form = app.request("POST", "/revoke").header("api-key", &service.secret_key);
    let form = form.header("content-type", "application/x-www-form-urlencoded");
    answers.push(app.send(form.body(format!("token={}", alice.refresh_token))).await.ok());

    alice.sign_in().await.ok();
    let first = alice.session_id();
    alice.sign_in().await.ok();
    answers.push(alice.ask("DELETE", &format!("/sessions/{first}")).await.ok());
    answers.push(alice.ask("DELETE", "/sessions").await.ok());

    let dan = app.registered(&service, "dan").await;
    about_to_be_locked(app, &dan.user_key).await;
    let guess = json!({"user_id": dan.user_id, "user_secret": "not his at all"});
    answers.push(app.post(&service, "/authenticate", &guess).await.status(401));
    answers.push(app.post(&service, "/authenticate", &guess).await.status(429));

    answers.extend(identities(app).await);
    let mut browser = Browser::signed_in(app, &app.web(), "bob").await;
    answers.push(browser.sign_in().await.ok());
    answers
}

/// Links an identity, removes it, and uses a code twice.
async fn identities(app: &App) -> Vec<crate::support::Answer> {
    let (store, service) = (app.database.store(), app.service());
    let erin = app.signed_in(&service, "erin").await;
    let to = |method: &str, path: &str| app.request(method, path).header("api-key", &service.publishable_key);
    let hand_in = |path: &str| {
        let request = to("POST", path).bearer_auth(&erin.access_token).header("content-type", "application/json");
        request.body(presented(&erin.user_key).to_string())
    };
    issue_code(&store, &service, &erin.user_key, Purpose::Link).await;
    let linked = app.send(hand_in("/identities")).await.ok();
    let remove = to("DELETE", &format!("/identities/{}", believed(&erin.user_key).id()));
    let removed = app.send(remove.bearer_auth(&erin.access_token)).await.ok();
    issue_code(&store, &service, &erin.user_key, Purpose::SignIn).await;
    app.send(hand_in("/oauth/exchange")).await.ok();
    let reused = app.send(hand_in("/oauth/exchange")).await.problem(400, "invalid_code");
    vec![linked, removed, reused]
}

/// The audit lines of a stack's log, once it holds everything about `answers`.
async fn events(app: &App, answers: &[crate::support::Answer]) -> Vec<Value> {
    let mut log = String::new();
    for answer in answers {
        log = app.stack.log_until(answer).await;
    }
    lines_of(&log).into_iter().filter(|line| line["type"] == "audit").collect()
}

#[tokio::test]
async fn every_event_that_is_written_is_as_the_schema_says() {
    let app = App::start();
    let mut lines = events(&app, &everything_happens(&app).await).await;

    let deployed = App::deployed();
    let application = deployed.application(|_| ()).await;
    let mut carol = deployed.signed_in(&application, "carol").await;
    // Of sign-ins of one second, which are equally old, any may have to go.
    let mut all = vec![carol.session_id()];
    let mut answers = Vec::new();
    for _ in 0..3 {
        answers.push(carol.sign_in().await.ok());
        all.push(carol.session_id());
    }
    let evicted = events(&deployed, &answers).await;
    let of_carol = |line: &&Value| line["event"] == "session.evicted" && line["user_key"] == carol.user_key;
    let gone: Vec<_> = evicted.iter().filter(of_carol).filter_map(|line| line["session_id"].as_str()).collect();
    assert!(gone.len() == 1 && all.iter().any(|session| session == gone[0]), "{evicted:?}");
    lines.extend(evicted);

    for action in [Action::KeyCreated, Action::KeyDeleted] {
        let mut line = json!(Event::of_key(action, "a key", System.now()));
        line["type"] = json!("audit");
        lines.push(line);
    }

    lines.extend(too_many_registrations().await);

    let schema = schema();
    for line in &lines {
        assert_eq!(faults(&schema, line), Vec::<String>::new(), "{line}");
    }
    let mut reasons: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in &lines {
        reasons.entry(line["event"].as_str().expect("a name")).or_default().extend(line["reason"].as_str());
    }
    assert_eq!(reasons.keys().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(), names());
    let ended = BTreeSet::from(["ended_by_user", "logout", "replaced", "revoked_by_application"]);
    assert_eq!(reasons["session.ended"], ended);
}
