//! Gets the pages ready: what npm has for them, and the client compiled from its source.

use crate::dev::npm::{self, NpmError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::process::Command;
use tokio::sync::Mutex;

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

async fn prepare(project: &Path, destination: &Path) -> Result<(), NpmError> {
    let _claimed = npm::claim(destination).await?;
    npm::install(&project.join("cli/pages"), destination).await?;
    compile(&project.join("clients/typescript"), destination).await
}

/// Compiles what has changed: other stacks may be serving what has not.
async fn compile(client: &Path, destination: &Path) -> Result<(), NpmError> {
    let mut node = Command::new("node");
    node.arg(destination.join("node_modules/typescript/bin/tsc"))
        .args(["--declaration", "false", "--incremental", "--tsBuildInfoFile"])
        .arg(destination.join("client.tsbuildinfo"))
        .arg("--outDir")
        .arg(destination.join("client"))
        .arg("--project")
        .arg(client);
    npm::run("node", node).await
}
