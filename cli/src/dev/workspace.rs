//! Where the project's code is, and which package builds which binary: what Cargo says, so that nothing is guessed.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::Command;

/// Cargo can't be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkspaceError {
    #[error("cannot run cargo; is Rust installed?")]
    NoCargo(#[source] std::io::Error),
    #[error("cargo finds no workspace here; run this inside a checkout of the project:\n{0}")]
    NoWorkspace(String),
    #[error("cargo describes the workspace in a way that is not understood")]
    Malformed(#[from] serde_json::Error),
}

/// The Cargo workspace around the current directory.
#[derive(Deserialize)]
pub(crate) struct Workspace {
    #[serde(rename = "workspace_root")]
    pub(crate) root: PathBuf,
    pub(crate) target_directory: PathBuf,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

impl Workspace {
    /// Asks Cargo for the workspace around the current directory.
    pub(crate) async fn find() -> Result<Self, WorkspaceError> {
        let mut command = cargo();
        command.args(["metadata", "--format-version", "1", "--no-deps"]).stdin(Stdio::null());
        let output = command.output().await.map_err(WorkspaceError::NoCargo)?;
        if !output.status.success() {
            return Err(WorkspaceError::NoWorkspace(String::from_utf8_lossy(&output.stderr).trim_end().to_owned()));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// The name of the package that builds each binary.
    pub(crate) fn binaries(&self) -> BTreeMap<&str, &str> {
        let pairs =
            self.packages.iter().flat_map(|package| package.targets.iter().map(move |target| (target, package)));
        let binaries = pairs.filter(|(target, _)| target.kind.iter().any(|kind| kind == "bin"));
        binaries.map(|(target, package)| (target.name.as_str(), package.name.as_str())).collect()
    }
}

/// The Cargo that runs this program, or the one on the path.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.kill_on_drop(true);
    command
}
