//! `gatelet`: the local stack and administration.

mod admin;
mod dev;

use clap::{Parser, Subcommand};
use std::{io::Write, process::ExitCode};

/// Gatelet's command line.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run everything on this machine: DynamoDB, the functions, and an HTTP API in front of them.
    Dev(Box<dev::Options>),
    /// Print the API as an OpenAPI document, which `docs/openapi.json` is
    Openapi,
    #[command(flatten)]
    Admin(Box<admin::Command>),
}

#[tokio::main]
async fn main() -> ExitCode {
    let result: Result<(), Box<dyn std::error::Error>> = match Cli::parse().command {
        Command::Dev(options) => dev::run(&options).await.map_err(Into::into),
        Command::Openapi => print_openapi(),
        Command::Admin(command) => admin::run(&command).await.map_err(Into::into),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(&*error);
            ExitCode::FAILURE
        }
    }
}

/// Prints the document, byte for byte as it is committed.
fn print_openapi() -> Result<(), Box<dyn std::error::Error>> {
    Ok(std::io::stdout().write_all(functions::openapi::text()?.as_bytes())?)
}

/// Prints an error and what caused it.
fn report(error: &dyn std::error::Error) {
    eprintln!("error: {error}");
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    for cause in causes {
        eprintln!("  because: {cause}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_holds_together() {
        Cli::command().debug_assert();
    }
}
