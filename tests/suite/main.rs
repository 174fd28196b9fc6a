//! What is to be said of the whole black-box suite: which rights the functions needed, what their logs hold, and
//! whether they answered as `docs/openapi.json` says.
//!
//! `cargo test` runs this after `api`. Each stack of that run has left a record (`gatelet dev --record`) and a log, which [`last_run`] finds
//! if the run was whole, had no failure and belongs to the same `cargo test`; otherwise every check fails and says so.

#![cfg(unix)]
#![expect(clippy::expect_used, reason = "a check that can't go on has failed")]
#![expect(unreachable_pub, reason = "what a module offers to the others reads best as `pub`")]

#[path = "../support/roles.rs"]
mod roles;
#[path = "../support/yaml.rs"]
mod yaml;

mod calls;
mod contract;
mod last_run;
mod logs;
mod openapi;
mod rights;
mod secrets;
mod shapes;
