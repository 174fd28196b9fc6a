//! The scheduled function, invoked as its schedule does.

use serde_json::{Value, json};
use shared::{
    access_token::Algorithm,
    rotation::{self, Purpose},
    world::System,
};

use crate::support::{App, Fault, Options, Proxy, Stack, lines_of};

async fn run(app: &App) -> Value {
    let answer = app.invoke("rotate_keys", &json!({"detail-type": "Scheduled Event"})).await.ok();
    assert_eq!(answer.header("x-amz-function-error"), "", "{}", answer.text);
    answer.body()
}

fn ids<'a>(answers: impl IntoIterator<Item = &'a Value>, kind: &str, what: &str) -> Vec<String> {
    let of_one = |answer: &Value| answer[kind][what].as_array().expect("a list").clone();
    answers.into_iter().flat_map(of_one).map(|id| id.as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn the_next_keys_are_made_once_however_often_the_schedule_calls() {
    let app = App::on(Stack::private(&Options::default()));
    let keys = app.database.store().signing_keys;
    let before = keys.list().await.expect("keys");
    let (one, two) = tokio::join!(run(&app), run(&app));
    let answers = [one, two, run(&app).await];

    let made = [ids(&answers, "signing", "created"), ids(&answers, "sealing", "created")].concat();
    assert_eq!(made.len(), 2, "one of each kind: {answers:?}");
    let after = keys.list().await.expect("keys");
    assert_eq!((before.len(), after.len()), (2, 4));
    for key in &after {
        assert_eq!(key.expires_at.is_none(), made.contains(&key.id), "the older ones have an end now: {key:?}");
    }

    let is_run = |line: &Value| line["type"] == "run" && line["SigningKeyAge"].is_number() && line["outcome"] == "ok";
    let log = app.stack.log_with("three runs", |log| lines_of(log).iter().filter(|line| is_run(line)).count() == 3);
    let log = lines_of(&log.await);
    let told = log.iter().filter(|line| line["event"] == "key.created").map(|line| line["kid"].as_str());
    let mut told: Vec<_> = told.map(|kid| kid.expect("a kid").to_owned()).collect();
    told.sort();
    let mut made = made;
    made.sort();
    assert_eq!(told, made);
}

#[tokio::test]
async fn a_key_of_another_algorithm_is_replaced_before_its_turn() {
    let app = App::on(Stack::private(&Options::default()));
    let keys = app.database.store().signing_keys;
    let rsa = rotation::create(&keys, Purpose::Signing(Algorithm::RS256), &System).await.expect("a key");
    let answer = run(&app).await;
    let gone = rsa.done.create[0].id.clone();
    assert_eq!(ids([&answer], "signing", "deleted"), std::slice::from_ref(&gone));
    assert_eq!(ids([&answer], "signing", "created").len(), 1);
    let is_told = |line: &Value| line["event"] == "key.deleted" && line["kid"] == gone.as_str();
    app.stack.log_with("the deleted key", |log| lines_of(log).iter().any(is_told)).await;
}

#[tokio::test]
async fn a_failure_is_told_to_the_schedule_and_changes_nothing() {
    let proxy = Proxy::start(&Stack::shared().ready.dynamodb_endpoint);
    // Tables of its own, since the database is the shared stack's.
    let arguments = ["--stack", "gatelet-rotation"];
    let options = Options { arguments: &arguments, endpoint: Some(&proxy.endpoint), ..Options::default() };
    let app = App::on(Stack::private(&options));
    let keys = app.database.store().signing_keys;
    proxy.set(Fault::Throttle);
    let answer = app.invoke("rotate_keys", &json!({})).await;
    proxy.set(Fault::None);
    assert_ne!(answer.header("x-amz-function-error"), "", "{}", answer.text);
    assert_eq!(keys.list().await.expect("keys").len(), 2);
    assert_eq!(ids([&run(&app).await], "sealing", "created").len(), 1, "the next run does it");
}
