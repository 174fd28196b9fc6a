//! Tests of [`super`], in a file of their own to keep both readable.

use super::*;
use crate::dev::instance::tests::launch;
use std::time::UNIX_EPOCH;
use tokio::time::{advance, sleep, timeout};

#[tokio::test]
async fn an_instance_that_hangs_after_its_answer_is_replaced() {
    let mut launch = launch("hangs", "exec sleep 1000");
    launch.function.timeout = Duration::from_millis(100);
    let binary = launch.binary.clone();
    let pool = Pool::new(launch);
    let id = pool.queue().add();
    pool.start(id);
    let door = pool.next(id).unwrap();
    let first = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { pool.invoke(Bytes::new(), &Trace::of(&hyper::HeaderMap::new(), UNIX_EPOCH)).await }
    });
    let work = door.await.unwrap();
    pool.begin(id);
    assert!(pool.finish(id, &work.request_id, Outcome::Answered(Bytes::new())));
    assert_eq!(first.await.unwrap(), Outcome::Answered(Bytes::new()));

    let _second = tokio::spawn({
        let pool = Arc::clone(&pool);
        async move { pool.invoke(Bytes::new(), &Trace::of(&hyper::HeaderMap::new(), UNIX_EPOCH)).await }
    });
    let is_replaced = || {
        let clocks = pool.clocks();
        clocks.len() == 1 && !clocks.contains_key(&id)
    };
    let replaced = async {
        while !is_replaced() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), replaced).await.expect("the second invocation starts an instance");
    std::fs::remove_file(binary).unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_init_phase_that_lambda_would_have_ended_is_logged() {
    let path = std::env::temp_dir().join(format!("gatelet-{}-slow-init.log", std::process::id()));
    let mut launch = launch("slow-init", "");
    std::fs::remove_file(&launch.binary).unwrap();
    launch.log = Arc::new(Log::open(Some(&path)).unwrap());
    let pool = Pool::new(launch);
    for seconds in [10, 11] {
        let id = pool.queue().add();
        pool.clocks().insert(id, watch::channel(Some(Limit::new(Phase::Init, INIT_TIMEOUT))).0);
        advance(Duration::from_secs(seconds)).await;
        drop(pool.next(id).unwrap());
        drop(pool.next(id).unwrap());
    }
    let log = std::fs::read_to_string(&path).unwrap();
    assert_eq!(log, "warning: its init phase took 11.0s; Lambda allows 10s\n");
    std::fs::remove_file(path).unwrap();
}
