//! The example events, sent to the functions as `cargo lambda invoke` does, are answered as `events/README.md` says.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

use crate::support::{App, Options, Stack, project_file};

/// What the page promises of each event: the text of its row.
fn promises() -> BTreeMap<String, String> {
    let page = fs::read_to_string(project_file("events/README.md")).expect("the page is there");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "));
    rows.map(|(name, promise)| (name.to_owned(), promise.to_owned())).collect()
}

/// Sends the event of `name` to the function of this name.
async fn invoke(app: &App, name: &str) -> Value {
    let event = fs::read_to_string(project_file(&format!("events/{name}.json"))).expect("the event is there");
    let event = serde_json::from_str(&event).expect("the event is JSON");
    let answer = app.invoke(name, &event).await.ok();
    assert_eq!(answer.header("x-amz-function-error"), "", "{name}: {}", answer.text);
    answer.body()
}

fn body(answer: &Value) -> Value {
    serde_json::from_str(answer["body"].as_str().unwrap_or_default()).unwrap_or_default()
}

/// The status and, where the promise names one in backticks, the error code.
#[track_caller]
fn assert_as_promised(name: &str, promise: &str, answer: &Value) {
    let status: u64 = promise[..3].parse().unwrap_or_else(|_| panic!("{name}: {promise:?} begins with no status"));
    assert_eq!(answer["statusCode"], status, "{name}: {answer}");
    if status >= 400 {
        let code = promise.split('`').nth(1).unwrap_or_else(|| panic!("{name}: {promise:?} names no code"));
        let body = body(answer);
        assert!(body["code"] == code || body["error"] == code, "{name}: {body}");
    }
}

#[tokio::test]
async fn a_fresh_stack_answers_every_event_as_the_page_promises() {
    let app = App::on(Stack::private(&Options::default()));
    let mut promises = promises();
    let register = promises.remove("register").expect("a promise");
    let authenticate = promises.remove("authenticate").expect("a promise");

    let before = invoke(&app, "authenticate").await;
    assert_as_promised("authenticate", "401 `invalid_credentials`", &before);
    assert!(authenticate.ends_with("401 `invalid_credentials` before"), "{authenticate}");
    assert_as_promised("register", &register, &invoke(&app, "register").await);
    let again = invoke(&app, "register").await;
    assert_as_promised("register", "409 `user_id_taken`", &again);
    assert!(register.ends_with("409 `user_id_taken` the second time"), "{register}");
    let signed_in = invoke(&app, "authenticate").await;
    assert_as_promised("authenticate", &authenticate, &signed_in);
    assert!(body(&signed_in)["access_token"].is_string());

    let authorizer = promises.remove("authorizer").expect("a promise");
    assert!(authorizer.starts_with(r#"`{"isAuthorized": false}`"#), "{authorizer}");
    assert_eq!(invoke(&app, "authorizer").await, json!({"isAuthorized": false}));
    promises.remove("rotate_keys").expect("a promise");
    for expected in [1, 0] {
        let answer = invoke(&app, "rotate_keys").await;
        for kind in ["signing", "sealing"] {
            let changed = ["created", "deleted"].map(|what| answer[kind][what].as_array().map(Vec::len));
            assert_eq!(changed, [Some(expected), Some(0)], "{answer}");
        }
    }
    for (name, promise) in &promises {
        assert_as_promised(name, promise, &invoke(&app, name).await);
    }
    assert_eq!(body(&invoke(&app, "whoami").await), json!({"authenticated": false}));
    assert!(body(&invoke(&app, "jwks").await)["keys"].is_array());
    let cookies = invoke(&app, "logout").await["cookies"].clone();
    assert_eq!(cookies.as_array().map(Vec::len), Some(2), "both cookies are cleared");
}

#[test]
fn the_page_promises_something_of_every_event() {
    let entries = fs::read_dir(project_file("events")).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a name"));
    let mut events: Vec<_> = names.filter_map(|name| name.strip_suffix(".json").map(str::to_owned)).collect();
    events.sort();
    assert_eq!(promises().into_keys().collect::<Vec<_>>(), events);
}
