//! Administration: applications, users and keys of a deployment, on this machine or on AWS.
//!
//! Each command is one function from a [`Deployment`] to an [`Answer`], which has a form for people and one for scripts.
//! Nothing is printed before a command has succeeded, and what is written is written by the store's conditional writes,
//! so that two administrators at the same time don't undo each other.

mod answer;
mod app;
mod connection;
mod duration;
mod error;
mod keys;
mod user;

#[cfg(test)]
mod tests;

use answer::Answer;
use clap::{Args, Subcommand};
use connection::{Deployment, Target};
pub(crate) use error::AdminError;

/// How often a write is tried on a fresh read when somebody else was faster.
const ATTEMPTS: u8 = 5;

/// What can be administered.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Manage applications, the clients of the API, and their keys
    App {
        #[command(subcommand)]
        command: app::Command,
        #[command(flatten)]
        options: Options,
    },
    /// Look at users, disable them, say what they may do, end their sessions
    User {
        #[command(subcommand)]
        command: user::Command,
        #[command(flatten)]
        options: Options,
    },
    /// Manage the keys that sign access tokens and seal refresh tokens
    Keys {
        #[command(subcommand)]
        command: keys::Command,
        #[command(flatten)]
        options: Options,
    },
}

/// What every command takes.
#[derive(Args)]
pub(crate) struct Options {
    /// Answer in JSON, one document on standard output
    #[arg(long, global = true)]
    json: bool,

    #[command(flatten)]
    target: Target,
}

/// Carries a command out and prints its answer.
pub(crate) async fn run(command: &Command) -> Result<(), AdminError> {
    let (Command::App { options, .. } | Command::User { options, .. } | Command::Keys { options, .. }) = command;
    let deployment = options.target.connect().await?;
    let answer = execute(command, &deployment).await?;
    answer.print(options.json).map_err(AdminError::Output)
}

async fn execute(command: &Command, deployment: &Deployment) -> Result<Answer, AdminError> {
    let Deployment { store, tables, .. } = deployment;
    let (answer, table) = match command {
        Command::App { command, .. } => (command.run(&store.applications).await, &tables.applications),
        Command::User { command, .. } => (command.run(store).await, &tables.users),
        Command::Keys { command, .. } => (command.run(&store.signing_keys).await, &tables.signing_keys),
    };
    answer.map_err(|error| error.explained(deployment, table))
}
