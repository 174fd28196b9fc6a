//! `gatelet` as an administrator runs it: the binary itself, against the stack's database.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{App, project_file};

/// What the command prints, which must be one JSON document.
async fn gatelet(app: &App, arguments: &[&str]) -> Value {
    let mut command = Command::new(env!("CARGO"));
    command.args(["run", "--quiet", "--package", "gatelet", "--"]).args(arguments).arg("--json");
    command.env("AWS_ENDPOINT_URL_DYNAMODB", &app.stack.ready.dynamodb_endpoint);
    for setting in ["AWS_REGION", "AWS_PROFILE", "GATELET_STACK"] {
        command.env_remove(setting);
    }
    command.current_dir(project_file("")).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("it is waited for");
    let output = output.expect("cargo can be run");
    assert!(output.status.success(), "{arguments:?}: {}", output.status);
    serde_json::from_slice(&output.stdout).expect("one JSON document and nothing else")
}

#[tokio::test]
async fn an_administrator_sees_the_stack_as_json() {
    let app = App::start();
    let alice = app.signed_in(&app.service(), "alice").await;

    let applications = gatelet(&app, &["app", "list"]).await;
    let web = app.web();
    let is_web = |listed: &&Value| listed["application_id"] == web.id;
    let listed =
        applications["applications"].as_array().expect("a list").iter().find(is_web).expect("the seeded application");
    assert_eq!(listed["name"], "web");
    assert!(!applications.to_string().contains(&web.secret_key), "keys are shown once, when they are made");

    let keys = gatelet(&app, &["keys", "list"]).await;
    let kinds: Vec<_> = keys["keys"].as_array().expect("a list").iter().map(|key| &key["kind"]).collect();
    assert_eq!(kinds, ["signing", "mac"]);

    let user = gatelet(&app, &["user", "show", &alice.user_id]).await;
    assert_eq!(user["user_key"], alice.user_key);
    assert_eq!(user["sessions"][0]["session_id"], alice.session_id());
}
