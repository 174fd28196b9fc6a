//! What can be chosen for a local stack.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Run everything on this machine: DynamoDB, the functions, and an HTTP API in front of them.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Options {
    /// Port of the HTTP API; 0 takes a free one
    #[arg(long, default_value_t = 9000)]
    pub(crate) port: u16,

    /// Compile the functions with optimisations, as they are deployed
    #[arg(long)]
    pub(crate) release: bool,

    /// Run the functions as they were compiled last
    #[arg(long)]
    pub(crate) no_build: bool,

    /// Name of the stack, which its tables' names begin with
    #[arg(long, value_name = "NAME", default_value = "gatelet-local")]
    pub(crate) stack: String,

    /// Template that declares the stack [default: infra/template.yaml]
    #[arg(long, value_name = "FILE")]
    pub(crate) template: Option<PathBuf>,

    /// Set a parameter of the template; may be repeated
    #[arg(long = "parameter", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) parameters: Vec<(String, String)>,

    /// Start an OpenID provider too, at which anybody can sign in as anybody; needs Node.js
    // Whose users it could be taken for in a database that is not this stack's own.
    #[arg(long, conflicts_with = "dynamodb_endpoint")]
    pub(crate) with_provider: bool,

    /// Most instances of one function
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = at_least_one)]
    pub(crate) max_instances: usize,

    #[command(flatten)]
    pub(crate) database: DatabaseOptions,

    #[command(flatten)]
    pub(crate) seed: SeedOptions,

    /// Write what the functions log to a file, one line each as they wrote it
    #[arg(long, value_name = "FILE")]
    pub(crate) log_file: Option<PathBuf>,

    /// Write to a file what the functions are given, answer and ask of the embedded DynamoDB, as JSON lines, secrets included
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,

    /// Write where everything is, as JSON, once every function answers
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,

    /// Write the functions' environment, for `cargo lambda watch --env-file`
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,

    /// Stop when standard input ends, so that the stack does not outlive the program that started it
    #[arg(long)]
    pub(crate) exit_with_stdin: bool,
}

/// Where the data is.
#[derive(Args)]
pub(crate) struct DatabaseOptions {
    /// Keep the data in a directory; without it, everything is in memory
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,

    /// Port of the embedded DynamoDB; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) dynamodb_port: u16,

    /// Use another DynamoDB than the embedded one, with the credentials of the environment
    #[arg(long, value_name = "URL", conflicts_with_all = ["data", "dynamodb_port"])]
    pub(crate) dynamodb_endpoint: Option<String>,

    /// Region that the functions and the tables are in
    #[arg(long, env = "AWS_REGION", default_value = "eu-west-1")]
    pub(crate) region: String,

    #[arg(long, env = "AWS_ACCESS_KEY_ID", hide = true, hide_env_values = true)]
    pub(crate) access_key_id: Option<String>,

    #[arg(long, env = "AWS_SECRET_ACCESS_KEY", hide = true, hide_env_values = true)]
    pub(crate) secret_access_key: Option<String>,

    #[arg(long, env = "AWS_SESSION_TOKEN", hide = true, hide_env_values = true)]
    pub(crate) session_token: Option<String>,
}

/// How the example applications behave. Times are plain seconds, and as short as a test likes.
#[derive(Args, Clone)]
pub(crate) struct SeedOptions {
    /// Application that serves requests without an `Api-Key`
    #[arg(long, value_enum, default_value_t = DefaultApplication::Legacy)]
    pub(crate) default_application: DefaultApplication,

    /// How long the predecessor of a refresh token still answers
    #[arg(long, value_name = "SECONDS")]
    pub(crate) grace: Option<u64>,

    /// Lifetime of access tokens
    #[arg(long, value_name = "SECONDS")]
    pub(crate) access_lifetime: Option<u64>,

    /// How long a refresh token is good for when it is not used
    #[arg(long, value_name = "SECONDS")]
    pub(crate) refresh_idle: Option<u64>,

    /// How long a session lasts at most
    #[arg(long, value_name = "SECONDS")]
    pub(crate) refresh_absolute: Option<u64>,

    /// Treat the late use of a predecessor as theft, even if its successor was never used
    #[arg(long)]
    pub(crate) no_recovery: bool,

    /// The letter of RFC 9700: no grace and no recovery
    #[arg(long, conflicts_with = "grace")]
    pub(crate) strict: bool,
}

/// One of the example applications, or none.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum DefaultApplication {
    Web,
    Service,
    Legacy,
    None,
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
    pair.map(|(key, value)| (key.to_owned(), value.to_owned())).ok_or_else(|| format!("`{text}` is not KEY=VALUE"))
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| format!("`{text}` is not a number from 1 on"))
}
