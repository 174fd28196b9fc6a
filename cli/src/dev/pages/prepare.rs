//! Gets the pages ready: what npm has for them, and the client compiled from its source.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::Command;
use tokio::sync::Mutex;

/// How soon to look again whether another stack is done.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// How far the preparation is.
#[derive(Debug, Clone)]
pub(super) enum Progress {
    UnderWay,
    Done,
    /// What a person is told, who may mend it and ask again.
    Failed(String),
}

/// What is done once, when the first page is asked for: the stack itself needs no Node, and most of its runs show no page.
pub(super) struct Preparation {
    state: Arc<Mutex<Option<Progress>>>,
    project: PathBuf,
    destination: PathBuf,
}

impl Preparation {
    pub(super) fn new(project: &Path, destination: &Path) -> Self {
        Self { state: Arc::default(), project: project.to_owned(), destination: destination.to_owned() }
    }

    /// How far it is. Whoever asks first begins it, and so does whoever asks after a failure was told.
    pub(super) async fn progress(&self) -> Progress {
        let mut state = self.state.lock().await;
        match state.take() {
            Some(failed @ Progress::Failed(_)) => failed,
            Some(known) => state.insert(known).clone(),
            None => {
                tokio::spawn(work(Arc::clone(&self.state), self.project.clone(), self.destination.clone()));
                state.insert(Progress::UnderWay).clone()
            }
        }
    }
}

async fn work(state: Arc<Mutex<Option<Progress>>>, project: PathBuf, destination: PathBuf) {
    let outcome = match prepare(&project, &destination).await {
        Ok(()) => Progress::Done,
        Err(error) => Progress::Failed(format!("{error}\n")),
    };
    *state.lock().await = Some(outcome);
}

/// The pages can't be shown.
#[derive(Debug, thiserror::Error)]
enum PrepareError {
    #[error("cannot run {program}: {source}.\nThe pages need Node.js 20 or later with npm; the API does not.")]
    Missing { program: &'static str, source: std::io::Error },
    #[error("`{program}` failed while preparing the pages:\n{output}")]
    Failed { program: &'static str, output: String },
    #[error("cannot write {}: {source}", path.display())]
    Write { path: PathBuf, source: std::io::Error },
}

async fn prepare(project: &Path, destination: &Path) -> Result<(), PrepareError> {
    let wrong = |source| PrepareError::Write { path: destination.to_owned(), source };
    std::fs::create_dir_all(destination).map_err(wrong)?;
    // Two stacks of one checkout share the place. The lock is given up with the file.
    let lock = File::create(destination.join(".lock")).map_err(wrong)?;
    while let Err(busy) = lock.try_lock() {
        match busy {
            TryLockError::WouldBlock => tokio::time::sleep(LOCK_PAUSE).await,
            TryLockError::Error(error) => return Err(wrong(error)),
        }
    }
    install(&project.join("cli/pages"), destination).await?;
    compile(&project.join("clients/typescript"), destination).await
}

/// Installs what the lock file pins, unless that is there already.
async fn install(source: &Path, destination: &Path) -> Result<(), PrepareError> {
    let installed = destination.join("installed.json");
    let wanted = source.join("package-lock.json");
    let wrong = |source| PrepareError::Write { path: installed.clone(), source };
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

/// Compiles what has changed: other stacks may be serving what has not.
async fn compile(client: &Path, destination: &Path) -> Result<(), PrepareError> {
    let mut node = Command::new("node");
    node.arg(destination.join("node_modules/typescript/bin/tsc"))
        .args(["--declaration", "false", "--incremental", "--tsBuildInfoFile"])
        .arg(destination.join("client.tsbuildinfo"))
        .arg("--outDir")
        .arg(destination.join("client"))
        .arg("--project")
        .arg(client);
    run("node", node).await
}

async fn run(program: &'static str, mut command: Command) -> Result<(), PrepareError> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|source| PrepareError::Missing { program, source })?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(PrepareError::Failed { program, output: String::from_utf8_lossy(&said).trim().to_owned() })
}
