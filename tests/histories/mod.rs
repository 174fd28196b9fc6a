//! The real handlers and stores, held to the protocol through random histories with several requests under way.
//!
//! Each call to DynamoDB waits at a gate until the history lets it through, so that requests overlap in any order and a history can be repeated and
//! shrunk. A reference keeps the session as it should be, by `shared::protocol::transition`, and says what each call must do and each request be
//! answered. The environment may say how many are tried (`HISTORIES=20000`), and which ones (`HISTORIES_SEED`).

mod deployment;
mod emulator;
mod gate;
mod history;
mod reference;

use std::{cell::RefCell, rc::Rc};

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use shared::world::{System, World};

use deployment::Deployment;
use history::{Count, History};

/// How many histories are tried unless `HISTORIES` says otherwise.
const HISTORIES: u32 = 500;

fn setting(name: &str) -> Option<u64> {
    let value = std::env::var_os(name)?;
    Some(value.to_str().and_then(|text| text.parse().ok()).expect("a number"))
}

#[test]
fn every_answer_and_every_write_is_one_that_the_protocol_allows() {
    crate::rotation::count_events();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let deployment = runtime.block_on(Deployment::build());
    let count = Rc::new(RefCell::new(Count::default()));
    let cases = setting("HISTORIES").map_or(HISTORIES, |cases| cases.try_into().expect("a number of histories"));
    let seed = setting("HISTORIES_SEED").unwrap_or_else(|| u64::from_be_bytes(System.random()));
    println!("HISTORIES_SEED={seed}");
    let config = Config { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&history::any(), |(application, steps)| {
        let play = async { History::begin(&deployment, application, Rc::clone(&count)).await.play(&steps).await };
        deployment.gate.reset();
        runtime.block_on(play).map_err(TestCaseError::fail)
    });
    match outcome {
        Ok(()) => {}
        Err(TestError::Fail(why, (application, steps))) => {
            panic!("HISTORIES_SEED={seed}: {why}\napplication {application}: {steps:#?}")
        }
        Err(TestError::Abort(why)) => panic!("{why}"),
    }
    let count = count.borrow();
    println!("{count:?}");
    if cases >= HISTORIES {
        assert!(count.most_at_once >= 4 && count.answers > u64::from(cases), "{count:?}");
        for case in "ABCDEFG".chars() {
            assert!(count.cases.get(&case).is_some_and(|times| *times > 0), "case {case}: {count:?}");
        }
    }
}
