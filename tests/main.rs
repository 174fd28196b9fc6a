//! Black-box tests: the real binaries on a local stack, through the front door.
//!
//! [`support`] starts one stack for the whole run and speaks HTTP to it; every other module is about one subject.

#![expect(clippy::expect_used, reason = "a test that can't go on has failed")]
#![expect(unreachable_pub, reason = "what a module of the harness offers to the others reads best as `pub`")]

mod support;

mod administration;
mod api_keys;
mod audit_events;
mod authorizer;
mod browser_client;
mod cookies;
mod credentials;
mod cross_origin;
mod deployment;
mod discovery;
mod event_files;
#[cfg(target_os = "linux")] // where processes can be found and killed
mod faults;
mod histories;
mod introspection;
mod jose;
mod keyring;
mod ledger;
mod logging;
mod malformed_input;
mod malformed_requests;
mod metrics;
mod native_authorizer;
mod naughty_strings;
mod oauth;
mod observability;
mod outage;
mod profiles;
mod protocol;
mod races;
mod registration;
mod rotate_keys;
mod rotation;
mod rust_client;
mod script_client;
mod service_client;
mod sessions;
mod sign_in;
mod template;
mod throttling;
mod watching;
mod wiring;

/// Begins the run before any other test can fail, so that no failure goes without its mark in the run's folder.
#[test]
fn a_failure_is_marked_from_the_first_test_on() {
    support::folder();
    let program = std::env::current_exe().expect("a program knows where it is");
    let list =
        std::process::Command::new(program).args(["--list", "--format=terse"]).output().expect("tests are listed");
    let list = String::from_utf8_lossy(&list.stdout);
    assert_eq!(list.lines().next(), Some("a_failure_is_marked_from_the_first_test_on: test"), "it is first of all");
}
