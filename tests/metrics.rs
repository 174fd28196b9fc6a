//! The metrics that are embedded in the lines of requests: `docs/observability.md`.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use shared::{
    metrics::Metric,
    world::{System, World},
};

use crate::{
    observability::{identities, line_of},
    support::{Answer, App, Known, PASSWORD, lines_of, project_file},
};

/// The metrics of a line with their values.
pub fn metrics(line: &Value) -> BTreeMap<&str, &Value> {
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().into_iter().flatten();
    let names = directives.flat_map(|directive| directive["Metrics"].as_array().into_iter().flatten());
    names.filter_map(|metric| metric["Name"].as_str()).map(|name| (name, &line[name])).collect()
}

/// Its metrics, apart from that of the instance's first request.
pub fn own_metrics(line: &Value) -> Vec<&str> {
    metrics(line).into_keys().filter(|name| *name != "ColdStarts").collect()
}

#[tokio::test]
async fn sign_ins_and_failures_are_counted_and_their_hashes_timed() {
    let app = App::start();
    let service = app.service();
    let mut alice = app.registered(&service, "alice").await;
    let known = json!({"user_id": alice.user_id, "user_secret": "not hers at all"});
    let unknown = json!({"user_id": app.fresh_name("nobody"), "user_secret": PASSWORD});
    let answer = alice.sign_in().await.ok();
    let session = alice.session_id();
    for (answer, count, who) in [
        (answer, "SignIns", [Some(alice.user_key.as_str()), Some(session.as_str())]),
        (
            app.post(&service, "/authenticate", &known).await.status(401),
            "SignInFailures",
            [Some(alice.user_key.as_str()), None],
        ),
        (app.post(&service, "/authenticate", &unknown).await.status(401), "SignInFailures", [None, None]),
    ] {
        let line = line_of(&app, &answer).await;
        assert_eq!(identities(&line)[1..3], who, "{line}");
        assert_eq!(own_metrics(&line), ["HashTime", count], "{line}");
        assert_eq!(line[count], 1.0, "{line}");
        let (hash, whole) = (line["HashTime"].as_f64(), line["duration_ms"].as_f64());
        assert!(hash.is_some_and(|hash| hash > 1.0) && hash < whole, "19 MiB take longer than a millisecond: {line}");
    }
}

/// A refresh, what it must be counted as, and as what besides.
pub type Refreshed = (Answer, &'static str, &'static [&'static str]);

pub async fn refreshes(app: &App) -> Vec<Refreshed> {
    let strict = app
        .application(|settings| {
            settings.refresh.grace = Duration::ZERO;
            settings.refresh.recovery = false;
        })
        .await;
    let mut alice = app.signed_in(&app.service(), "alice").await;
    let (thief, tab) = (alice.clone(), alice.clone());
    let mut all: Vec<Refreshed> = vec![(alice.refresh().await.ok(), "A", &[])];
    all.push((tab.refresh_and_lose_the_answer().await.ok(), "B", &[]));
    alice.waits(60).await;
    all.push((tab.refresh_and_lose_the_answer().await.ok(), "C", &[]));
    all.push((alice.refresh_and_lose_the_answer().await.status(401), "E", &["RefreshReuse"]));
    all.push((thief.refresh_and_lose_the_answer().await.status(401), "G", &[]));
    all.push((alice.refresh_with("gl_rt_junk").await.status(401), "I", &[]));

    let mut bob = app.signed_in(&strict, "bob").await;
    let thief = bob.clone();
    bob.refresh().await.ok();
    all.push((thief.refresh_and_lose_the_answer().await.status(401), "D", &["RefreshReuse"]));

    let mut carol = app.signed_in(&app.service(), "carol").await;
    carol.refresh().await.ok();
    app.database.set_session(&carol.user_key, &carol.session_id(), "generation", 0).await;
    all.push((carol.refresh_and_lose_the_answer().await.status(401), "F", &["RefreshAheadOfTable"]));

    let dave = app.signed_in(&app.legacy(), "dave").await;
    all.push((dave.refresh_and_lose_the_answer().await.ok(), "unrotated", &[]));
    all
}

#[tokio::test]
async fn a_refresh_is_counted_by_its_case() {
    let app = App::start();
    for (answer, case, besides) in refreshes(&app).await {
        let line = line_of(&app, &answer).await;
        let own: Vec<_> = own_metrics(&line).into_iter().filter(|name| *name != "Refreshes").collect();
        assert_eq!(
            (line["case"].as_str(), own.as_slice(), &line["Refreshes"]),
            (Some(case), besides, &json!(1.0)),
            "{line}"
        );
        assert_eq!(line["user_key"].is_string(), case != "I", "{line}");
        let log = app.stack.log_until(&answer).await;
        let event = lines_of(&log)
            .into_iter()
            .find(|event| event["type"] == "audit" && event["request_id"] == line["request_id"]);
        assert_eq!(event.expect("every case has an event")["case"], case);
    }
}

#[tokio::test]
async fn a_request_that_is_no_refresh_yet_is_counted_as_none() {
    let app = App::start();
    let service = app.service();
    let typo = Known { publishable_key: "pk_typo".to_owned(), ..service.clone() };
    for answer in [
        app.post(&service, "/refresh", &json!({})).await.status(422),
        app.post(&typo, "/refresh", &json!({"refresh_token": "gl_rt_junk"})).await.status(401),
    ] {
        let line = line_of(&app, &answer).await;
        assert!(line.get("case").is_none() && own_metrics(&line).is_empty(), "{line}");
    }
}

/// The metrics that the documentation lists: name, unit, dimensions.
fn documented() -> BTreeMap<String, (String, Vec<String>)> {
    let text = std::fs::read_to_string(project_file("docs/observability.md")).expect("the page is there");
    let cells = |row: &str| row.split('|').map(|cell| cell.trim().replace('`', "")).collect::<Vec<_>>();
    let rows = text
        .lines()
        .skip_while(|line| !line.starts_with("| metric |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let dimensions = |cell: &str| cell.split(", ").map(str::to_owned).collect();
    rows.map(cells).map(|row| (row[1].clone(), (row[2].clone(), dimensions(&row[3])))).collect()
}

#[test]
fn every_metric_is_documented() {
    let names: Vec<_> = Metric::ALL.map(Metric::name).into();
    let mut listed: Vec<_> = documented().into_keys().collect();
    listed.sort_by_key(|name| names.iter().position(|known| known == name));
    assert_eq!(listed, names);
}

/// The line is one that CloudWatch reads metrics from, and they are as documented.
fn assert_embeds(line: &Value, documented: &BTreeMap<String, (String, Vec<String>)>) {
    let now = System.now().seconds() * 1000;
    let time = line["_aws"]["Timestamp"].as_u64().expect("a time in milliseconds");
    assert!(time <= now + 2000 && time + 3_600_000 > now, "{line}");
    let directives = line["_aws"]["CloudWatchMetrics"].as_array().expect("directives");
    assert!(!directives.is_empty() && line["type"] != "audit", "{line}");
    for directive in directives {
        assert_eq!(directive["Namespace"], "Gatelet", "{line}");
        let sets = directive["Dimensions"].as_array().expect("sets of dimensions");
        let dimensions: Vec<_> = sets.iter().flat_map(|set| set.as_array().expect("a set")).collect();
        for name in &dimensions {
            let value = line[name.as_str().expect("a name")].as_str().unwrap_or_default();
            assert!(!value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic()), "{name} of {line}");
        }
        for metric in directive["Metrics"].as_array().expect("metrics") {
            let name = metric["Name"].as_str().expect("a name");
            let values = line[name].as_array().map_or_else(|| std::slice::from_ref(&line[name]), Vec::as_slice);
            assert!(!values.is_empty() && values.iter().all(Value::is_number), "{name} of {line}");
            let (unit, by) = &documented[name];
            assert_eq!((metric["Unit"].as_str(), sets.len()), (Some(unit.as_str()), 1), "{line}");
            assert!(
                dimensions.iter().map(|name| name.as_str()).eq(by.iter().map(|name| Some(name.as_str()))),
                "{line}"
            );
        }
    }
}

#[tokio::test]
async fn every_embedded_metric_is_one_that_cloudwatch_reads() {
    let app = App::start();
    let mut log = String::new();
    for (answer, ..) in refreshes(&app).await {
        log = app.stack.log_until(&answer).await;
    }
    let documented = documented();
    let lines = lines_of(&log);
    let embedding: Vec<_> = lines.iter().filter(|line| line.get("_aws").is_some()).collect();
    assert!(embedding.len() >= 9, "each refresh embeds something");
    for line in embedding {
        assert_embeds(line, &documented);
    }
}
