//! The providers, and a stack that knows them.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::LazyLock,
};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::{App, Options, Stack, project_file};

pub const CLIENT_ID: &str = "gatelet-tests";
pub const CLIENT_SECRET: &str = "a client secret, +/ and % included";

/// How many sessions a user may have on the stack.
pub const MAX_SESSIONS: usize = 4;

/// Those whose word for an address is taken.
pub const TRUSTED: [&str; 2] = ["honest-too", "trusted"];

static PROVIDERS: LazyLock<Providers> = LazyLock::new(Providers::start);

static STACK: LazyLock<&'static Stack> = LazyLock::new(|| {
    let providers = format!("OAuthProviders={}", PROVIDERS.settings());
    let sessions = format!("MaxSessions={MAX_SESSIONS}");
    let arguments = ["--parameter", providers.as_str(), "--parameter", &sessions];
    let environment = [("TESTS_CLIENT_SECRET", CLIENT_SECRET)];
    Stack::private(&Options { arguments: &arguments, environment: &environment, ..Options::default() })
});

/// A stack that knows all of the providers.
pub fn place() -> App {
    App::on(*STACK)
}

/// One process with a provider of each kind. It ends with the test process: its standard input does.
#[derive(Deserialize)]
pub struct Providers {
    /// OpenID issuers by name.
    #[serde(rename = "providers")]
    pub issuers: BTreeMap<String, String>,
    /// Endpoints of plain OAuth 2 by name.
    pub plain: BTreeMap<String, BTreeMap<String, String>>,
    /// Kept for its standard input, which must stay open.
    #[serde(skip)]
    _process: Option<Child>,
}

impl Providers {
    pub fn get() -> &'static Self {
        &PROVIDERS
    }

    fn start() -> Self {
        let installed = Command::new("bash").arg(".ci/npm").arg("cli/provider").current_dir(project_file("")).status();
        assert!(installed.expect("bash can be run").success(), "npm installs what the providers need");
        let mut command = Command::new("node");
        command.arg("tests/provider/misbehaving.mjs").args(["--any-redirect", "--exit-with-stdin"]);
        command.args(["--client-id", CLIENT_ID]).env("PROVIDER_CLIENT_SECRET", CLIENT_SECRET);
        command.current_dir(project_file("")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("node can be run");
        let mut line = String::new();
        let mut output = BufReader::new(process.stdout.take().expect("an output"));
        output.read_line(&mut line).expect("the providers say where they are");
        let providers: Self = serde_json::from_str(&line).expect("in JSON");
        Self { _process: Some(process), ..providers }
    }

    /// The parameter `OAuthProviders`.
    fn settings(&self) -> Value {
        let openid = self.issuers.iter().map(|(name, issuer)| {
            json!({
                "name": name, "issuer": issuer, "client_id": CLIENT_ID, "client_secret": "env:TESTS_CLIENT_SECRET",
                "link_verified_email": TRUSTED.contains(&name.as_str()),
            })
        });
        let plain = self.plain.iter().map(|(name, endpoints)| {
            let issuer = endpoints["token_endpoint"].trim_end_matches("/token");
            let mut settings = json!({
                "name": name, "issuer": issuer, "client_id": CLIENT_ID, "client_secret": "env:TESTS_CLIENT_SECRET",
                "subject": "id", "email": "email", "scopes": ["read:user"],
            });
            for (endpoint, url) in endpoints {
                settings[endpoint] = url.as_str().into();
            }
            settings
        });
        openid.chain(plain).collect()
    }

    /// How often the provider `name` was asked for `path`.
    pub async fn count(&self, name: &str, path: &str) -> u64 {
        let counts = reqwest::get(format!("{}/control/counts", self.issuers[name])).await.expect("an answer");
        let counts: Value = serde_json::from_str(&counts.text().await.expect("a text")).expect("JSON");
        counts[path].as_u64().unwrap_or_default()
    }
}
