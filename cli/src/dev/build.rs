//! Compiles the functions' binaries with Cargo, whose own progress is shown.
//!
//! Each package is built by a call of its own: Cargo unifies features over all that it builds together, and a function must be the binary
//! that is deployed.

use super::workspace::{Workspace, WorkspaceError, cargo};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};

/// There are no binaries to run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    #[error("no package of the workspace builds `{0}`, which the template wants")]
    UnknownBinary(String),
    #[error("`cargo build -p {0}` failed; the errors are above")]
    Failed(String),
    #[error("{} does not exist; leave --no-build out once", .0.display())]
    NotBuilt(PathBuf),
}

/// Builds `binaries`, and says where each is.
pub(crate) async fn build(
    workspace: &Workspace,
    binaries: &BTreeSet<String>,
    release: bool,
) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let mut built = BTreeMap::new();
    for (package, names) in by_package(workspace, binaries)? {
        built.extend(build_package(workspace, package, &names, release).await?);
    }
    Ok(built)
}

/// Where `binaries` are if they were built before.
pub(crate) fn find(
    workspace: &Workspace,
    binaries: &BTreeSet<String>,
    release: bool,
) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let directory = workspace.target_directory.join(if release { "release" } else { "debug" });
    let found = binaries.iter().map(|name| {
        let path = directory.join(name).with_extension(std::env::consts::EXE_EXTENSION);
        if path.is_file() { Ok((name.clone(), path)) } else { Err(BuildError::NotBuilt(path)) }
    });
    found.collect()
}

fn by_package<'w>(
    workspace: &'w Workspace,
    binaries: &'w BTreeSet<String>,
) -> Result<BTreeMap<&'w str, Vec<&'w str>>, BuildError> {
    let packages = workspace.binaries();
    let mut wanted: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in binaries {
        let package = packages.get(name.as_str()).ok_or_else(|| BuildError::UnknownBinary(name.clone()))?;
        wanted.entry(package).or_default().push(name);
    }
    Ok(wanted)
}

async fn build_package(
    workspace: &Workspace,
    package: &str,
    names: &[&str],
    release: bool,
) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let mut command = cargo();
    command.current_dir(&workspace.root).args(["build", "--message-format=json-render-diagnostics", "-p", package]);
    command.args(names.iter().flat_map(|name| ["--bin", name]));
    if release {
        command.arg("--release");
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(WorkspaceError::NoCargo)?;
    let mut built = BTreeMap::new();
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            built.extend(executable(&line));
        }
    }
    let status = child.wait().await.map_err(WorkspaceError::NoCargo)?;
    if status.success() { Ok(built) } else { Err(BuildError::Failed(package.to_owned())) }
}

/// The binary that a message of Cargo is about.
fn executable(message: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let name = message.pointer("/target/name")?.as_str()?;
    let path = message.get("executable")?.as_str()?;
    Some((name.to_owned(), path.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_messages_about_executables_count() {
        let artifact =
            r#"{"reason":"compiler-artifact","target":{"kind":["bin"],"name":"refresh"},"executable":"/t/refresh"}"#;
        assert_eq!(executable(artifact), Some(("refresh".to_owned(), PathBuf::from("/t/refresh"))));
        assert_eq!(executable(r#"{"reason":"compiler-artifact","target":{"name":"shared"},"executable":null}"#), None);
        assert_eq!(executable(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(executable("Compiling"), None);
    }
}
