//! The harness: stacks, people who use them, and a look behind the counter.

mod answer;
mod app;
mod database;
mod person;
mod proxy;
mod stack;

pub use answer::Answer;
pub use app::{App, Known};
pub use database::{Database, number_of};
pub use person::{Person, claims};
pub use proxy::{Call, Fault, Proxy};
pub use stack::{Options, Stack, project_file};

/// A password that no list holds.
pub const PASSWORD: &str = "correct horse battery staple";
