//! `--with-provider`: an OpenID provider on this machine, at which anybody can sign in as anybody.
//!
//! It is npm's `oidc-provider`, certified and not ours, so that what works here works with others. `cli/provider` has its one page.

use super::npm::{self, NpmError};
use super::workspace::Workspace;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::secret::Secret;
use shared::world::{System, World};
use std::fmt::Write;
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// What the functions and the sample app call it.
pub(crate) const NAME: &str = "example";

/// The variable in which the functions find its client secret.
pub(crate) const SECRET_VARIABLE: &str = "GATELET_EXAMPLE_CLIENT_SECRET";

const CLIENT_ID: &str = "gatelet-local";

const FILES: [&str; 3] = ["main.js", "pages.js", "provider.js"];

/// The example provider can't run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProviderError {
    #[error(transparent)]
    Npm(#[from] NpmError),
    #[error("the example provider does not start; what it says stands above")]
    Silent,
    #[error("OAuthProviders is not a JSON array")]
    Parameter,
}

/// A provider that runs until this is dropped.
pub(crate) struct ExampleProvider {
    pub(crate) issuer: String,
    pub(crate) client_secret: Secret,
    /// Kept for its standard input, which must stay open.
    _process: Child,
}

#[derive(Deserialize)]
struct Started {
    issuer: String,
}

impl ExampleProvider {
    /// Starts one that knows the stack at `base_url`.
    pub(crate) async fn start(workspace: &Workspace, base_url: &str) -> Result<Self, ProviderError> {
        let place = workspace.target_directory.join("gatelet/provider");
        install(&workspace.root.join("cli/provider"), &place).await?;
        let client_secret = Secret::new(System.random::<32>().iter().fold(String::new(), |mut text, byte| {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        }));
        let mut node = Command::new("node");
        node.arg(place.join("main.js"))
            .args(["--port", "0", "--exit-with-stdin", "--client-id", CLIENT_ID])
            .args(["--redirect-uri", &format!("{base_url}/api/v1/auth/oauth/{NAME}/callback")])
            .env("PROVIDER_CLIENT_SECRET", client_secret.expose())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut process = node.spawn().map_err(|source| NpmError::Missing { program: "node", source })?;
        let output = process.stdout.take().ok_or(ProviderError::Silent)?;
        let line = BufReader::new(output).lines().next_line().await.ok().flatten();
        let started = line.and_then(|line| serde_json::from_str::<Started>(&line).ok());
        let Started { issuer } = started.ok_or(ProviderError::Silent)?;
        Ok(Self { issuer, client_secret, _process: process })
    }

    /// The parameter `OAuthProviders`, with this one among those of `given`.
    pub(crate) fn among(&self, given: Option<&str>) -> Result<String, ProviderError> {
        let given = given.filter(|text| !text.is_empty()).unwrap_or("[]");
        let mut providers: Vec<Value> = serde_json::from_str(given).map_err(|_| ProviderError::Parameter)?;
        providers.push(json!({
            "name": NAME,
            "issuer": self.issuer,
            "client_id": CLIENT_ID,
            "client_secret": format!("env:{SECRET_VARIABLE}"),
            "link_verified_email": true,
        }));
        Ok(Value::Array(providers).to_string())
    }
}

/// Puts the program beside its packages, where Node looks for them.
async fn install(source: &Path, place: &Path) -> Result<(), NpmError> {
    let _claimed = npm::claim(place).await?;
    npm::install(source, place).await?;
    for name in FILES {
        let to = place.join(name);
        std::fs::copy(source.join(name), &to).map_err(|source| NpmError::Write { path: to, source })?;
    }
    Ok(())
}
