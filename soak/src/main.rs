//! `cargo soak`: virtual clients refresh again and again against the local stack, lose answers, repeat requests, come back
//! late and share tokens between tabs. None of them may be logged out, and neither the functions' memory nor the session
//! items may grow.
//!
//! The functions are real processes on the embedded DynamoDB, unoptimised unless `--release` says otherwise.

#![expect(clippy::expect_used, reason = "a soak that can't go on has failed")]

mod client;
mod count;
mod items;
mod memory;
mod report;
mod stack;

use std::{process::ExitCode, sync::Arc, time::Duration};

use clap::Parser;
use client::Client;
use count::Count;
use futures_util::future::join_all;
use items::Items;
use memory::Memory;
use report::Report;
use shared::world::{System, World};
use stack::Stack;
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep_until},
};

/// How many sign in at the same time before the clock starts: each keeps a processor busy with a password hash.
const SIGN_INS_AT_ONCE: usize = 4;

/// Runs virtual clients against the local stack and fails if one of them is logged out, or if something grows
#[derive(Parser)]
#[command(name = "cargo soak")]
struct Options {
    /// How long, from the moment when all have signed in
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,

    /// How many clients
    #[arg(long, default_value_t = 200)]
    clients: usize,

    /// Mean time between two refreshes of one client, in seconds
    #[arg(long, default_value_t = 6.0)]
    think: f64,

    /// Share of answers that get lost
    #[arg(long, default_value_t = 0.01)]
    lost: f64,

    /// Share of refreshes that are sent twice
    #[arg(long, default_value_t = 0.05)]
    duplicated: f64,

    /// Grace window of the application, in seconds
    #[arg(long, default_value_t = 2)]
    grace: u64,

    /// Switch recovery off, to see that the soak notices
    #[arg(long)]
    no_recovery: bool,

    /// Optimised functions, built first
    #[arg(long)]
    release: bool,
}

/// What the clients do by chance.
#[derive(Clone, Copy)]
struct Habits {
    think: Duration,
    lost: f64,
    duplicated: f64,
    grace: Duration,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    let stack = Stack::start(&options);
    let count = Arc::new(Count::default());
    let habits = Habits {
        think: Duration::from_secs_f64(options.think),
        lost: options.lost,
        duplicated: options.duplicated,
        grace: Duration::from_secs(options.grace),
    };
    let sign_ins = Arc::new(Semaphore::new(SIGN_INS_AT_ONCE));
    let arriving = (0..options.clients)
        .map(|number| Client::arrive(number, habits, stack.ready.clone(), Arc::clone(&count), Arc::clone(&sign_ins)));
    let clients = join_all(arriving).await;
    eprintln!("{} clients have signed in. {} minutes begin.", clients.len(), options.minutes);

    let sessions: Vec<_> = clients.iter().map(Client::session).collect();
    let items = Items::of(&stack.ready);
    let began = Instant::now();
    let length = Duration::from_secs_f64(options.minutes * 60.0);
    let living: Vec<_> = clients.into_iter().map(|client| tokio::spawn(client.live(began + length))).collect();

    // By then each client has refreshed at least once, which gives its item all its attributes.
    sleep_until(began + (habits.think * 2).min(length / 3)).await;
    let (first_memory, first_items) = (Memory::look(&stack.ready).await, items.sizes(&sessions).await);
    sleep_until(began + length / 2).await;
    let middle_memory = Memory::look(&stack.ready).await;
    for client in living {
        client.await.expect("a client does not panic");
    }
    let (last_memory, last_items) = (Memory::look(&stack.ready).await, items.sizes(&sessions).await);
    let cases = stack.cases(&count).await;
    let report = Report {
        took: began.elapsed(),
        options,
        cases,
        count: &count,
        memory: [first_memory, middle_memory, last_memory],
        items: [first_items, last_items],
    };
    report.print();
    if report.failures().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A number from 0 to 1, by chance.
fn chance() -> f64 {
    f64::from(u32::from_be_bytes(System.random())) / f64::from(u32::MAX)
}
