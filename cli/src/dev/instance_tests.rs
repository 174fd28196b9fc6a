//! Tests of [`super`] with real processes.

use super::*;
use crate::dev::log::Log;
use crate::dev::resources::Function;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A shell script as a function's binary.
fn launch(name: &str, script: &str) -> Launch {
    use std::os::unix::fs::PermissionsExt;
    let binary = std::env::temp_dir().join(format!("gatelet-{}-{name}", std::process::id()));
    std::fs::write(&binary, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&binary, std::fs::Permissions::from_mode(0o700)).unwrap();
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
        max_instances: 1,
    }
}

async fn end_of(launch: &Launch, deadline: Option<Instant>) -> End {
    let (_clock, deadline) = watch::channel(deadline);
    let end = run(launch, InstanceId::new_v4(), deadline).await;
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
    let end = end_of(&launch("overruns", "exec sleep 1000"), Some(Instant::now())).await;
    assert!(end.overran);
}

#[tokio::test]
async fn what_cannot_be_run_says_so() {
    let mut launch = launch("missing", "");
    std::fs::remove_file(std::mem::replace(&mut launch.binary, "/nowhere/missing".into())).unwrap();
    let (_clock, deadline) = watch::channel(None);
    let end = run(&launch, InstanceId::new_v4(), deadline).await;
    assert!(end.last_words.contains("cannot run /nowhere/missing"), "{}", end.last_words);
}
