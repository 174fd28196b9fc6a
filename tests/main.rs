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
mod introspection;
mod keyring;
mod ledger;
mod logging;
mod malformed_input;
mod malformed_requests;
mod metrics;
mod observability;
mod outage;
mod profiles;
mod protocol;
mod races;
mod registration;
mod rotate_keys;
mod rotation;
mod script_client;
mod service_client;
mod sessions;
mod sign_in;
mod template;
mod watching;
mod wiring;
