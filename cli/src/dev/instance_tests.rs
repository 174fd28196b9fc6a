//! Tests of [`super`] with real processes.

use super::*;
use crate::dev::log::Log;
use crate::dev::record::Record;
use crate::dev::resources::Function;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A shell script as a function's binary.
pub(in crate::dev) fn launch(name: &str, script: &str) -> Launch {
    let binary = std::env::temp_dir().join(format!("gatelet-{}-{name}", std::process::id()));
    write_script(&binary, script);
    Launch {
        function: Function {
            label: name.to_owned(),
            logical_id: name.to_owned(),
            name: name.to_owned(),
            arn: String::new(),
            binary: name.to_owned(),
            environment: BTreeMap::new(),
            timeout: Duration::from_secs(1),
            memory_mb: 128,
        },
        binary,
        environment: BTreeMap::from([
            ("PATH".to_owned(), "/usr/bin:/bin".to_owned()),
            ("SETTING".to_owned(), "5".to_owned()),
        ]),
        runtime: SocketAddr::from(([127, 0, 0, 1], 1)),
        log: Arc::new(Log::discarded()),
        record: Arc::new(Record::open(None).unwrap()),
        max_instances: 1,
    }
}

/// Has a process of its own write the script. A child that another test starts meanwhile would inherit this process's open file, and what is
/// open for writing can't be executed (`ETXTBSY`).
fn write_script(path: &Path, script: &str) {
    let write = r#"printf '#!/bin/sh\n%s\n' "$1" > "$0" && chmod 700 "$0""#;
    let status = std::process::Command::new("sh").args(["-c", write]).arg(path).arg(script).status().unwrap();
    assert!(status.success());
}

async fn end_of(launch: &Launch, limit: Option<Limit>) -> End {
    let (_clock, limit) = watch::channel(limit);
    let end = run(launch, InstanceId::new_v4(), limit).await;
    std::fs::remove_file(&launch.binary).unwrap();
    end
}

#[tokio::test]
async fn last_words_are_kept() {
    let launch = launch("dies", "echo noise; echo \"SETTING is $SETTING, HOME is '$HOME'\" >&2; exit 3");
    let end = end_of(&launch, None).await;
    assert!(!end.overran);
    assert!(end.last_words.starts_with("SETTING is 5, HOME is ''\n"), "{}", end.last_words);
    assert!(end.last_words.contains("exit status: 3"), "{}", end.last_words);
}

#[tokio::test]
async fn an_instance_that_overruns_is_killed() {
    let limit = Limit::new(Phase::Invocation, Duration::ZERO);
    let end = end_of(&launch("overruns", "exec sleep 1000"), Some(limit)).await;
    assert!(end.overran);
}

#[test]
fn a_limit_says_what_it_was_for() {
    let limit = |phase| Limit::new(phase, Duration::from_secs(7)).to_string();
    assert_eq!(limit(Phase::Init), "it did not come through its init phase within 7s");
    assert_eq!(limit(Phase::Invocation), "it did not finish within 7s");
    assert_eq!(limit(Phase::Return), "it did not ask for work again within 7s");
}

#[tokio::test]
async fn what_cannot_be_run_says_so() {
    let mut launch = launch("missing", "");
    std::fs::remove_file(std::mem::replace(&mut launch.binary, "/nowhere/missing".into())).unwrap();
    let (_clock, limit) = watch::channel(None);
    let end = run(&launch, InstanceId::new_v4(), limit).await;
    assert!(end.last_words.contains("cannot run /nowhere/missing"), "{}", end.last_words);
}
