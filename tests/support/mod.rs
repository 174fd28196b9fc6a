//! The harness: stacks, people who use them, and a look behind the counter.

mod answer;
mod app;
mod believer;
mod browser;
mod call;
mod clock;
mod config;
mod database;
mod deployed;
mod fault;
mod log;
mod person;
mod processes;
mod proxy;
mod raw;
mod recorder;
mod resources;
mod roles;
mod rules;
mod run;
mod stack;
mod yaml;

pub use answer::Answer;
pub use app::{App, Known};
pub use believer::{
    BELIEVER, BELIEVERS_END, BELIEVERS_SECRET, VERIFIER, begin_flow, believed, believer, believer_at, issue_code,
    presented, way_back,
};
pub use browser::{Browser, PAGE};
pub use call::{Call, most_under_way, round_trips};
pub use clock::Clock;
pub use config::config;
pub use database::{Database, SessionItem, number_of};
pub use deployed::DEPLOYED_ISSUER;
pub use fault::{Fault, SLOW};
pub use log::lines_of;
pub use person::{Person, claims};
pub use processes::kill_instances;
pub use proxy::Proxy;
pub use resources::resources;
pub use roles::{Grant, roles};
pub use rules::{Lasting, Rule, Target};
pub use run::folder;
pub use stack::{Options, Stack};
pub use yaml::{project_file, template};

/// A password that no list holds.
pub const PASSWORD: &str = "correct horse battery staple";
