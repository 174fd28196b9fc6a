//! What npm has, installed as a lock file pins it: for the pages and the example provider. The stack itself needs no Node.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// How soon to look again whether another stack is done.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// Something can't be got ready.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NpmError {
    #[error("cannot run {program}: {source}.\nThis needs Node.js 20 or later with npm; the API does not.")]
    Missing { program: &'static str, source: std::io::Error },
    #[error("`{program}` failed:\n{output}")]
    Failed { program: &'static str, output: String },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
}

/// A directory that nobody else installs into for as long as this is kept.
pub(crate) struct Claimed {
    _lock: File,
}

/// Two stacks of one checkout share the place. The lock is given up with the file.
pub(crate) async fn claim(destination: &Path) -> Result<Claimed, NpmError> {
    let wrong = |source| NpmError::Write { path: destination.to_owned(), source };
    std::fs::create_dir_all(destination).map_err(wrong)?;
    let lock = File::create(destination.join(".lock")).map_err(wrong)?;
    while let Err(busy) = lock.try_lock() {
        match busy {
            TryLockError::WouldBlock => tokio::time::sleep(LOCK_PAUSE).await,
            TryLockError::Error(error) => return Err(wrong(error)),
        }
    }
    Ok(Claimed { _lock: lock })
}

/// Installs what the lock file pins, unless that is there already.
pub(crate) async fn install(source: &Path, destination: &Path) -> Result<(), NpmError> {
    let installed = destination.join("installed.json");
    let wanted = source.join("package-lock.json");
    let wrong = |source| NpmError::Write { path: installed.clone(), source };
    let read = |path: &Path| std::fs::read(path).ok();
    if read(&wanted).is_some_and(|wanted| read(&installed).as_ref() == Some(&wanted)) {
        return Ok(());
    }
    for name in ["package.json", "package-lock.json"] {
        std::fs::copy(source.join(name), destination.join(name)).map_err(wrong)?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(destination);
    run("npm", npm).await?;
    std::fs::copy(wanted, &installed).map_err(wrong)?;
    Ok(())
}

pub(crate) async fn run(program: &'static str, mut command: Command) -> Result<(), NpmError> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|source| NpmError::Missing { program, source })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(NpmError::Failed { program, output: String::from_utf8_lossy(&said).trim().to_owned() })
}
