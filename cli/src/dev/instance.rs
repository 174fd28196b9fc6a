//! One instance: the process, its environment, its output, its end.

use super::pool::Launch;
use super::queue::InstanceId;
use std::collections::VecDeque;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::Instant;

/// How many of its last lines are shown when an instance can't start.
const LAST_LINES: usize = 20;

/// The instance's time; `None` while it waits for work.
pub(super) type Clock = watch::Sender<Option<Limit>>;

/// How long the instance may go on with what it is doing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    pub(super) phase: Phase,
    pub(super) allowed: Duration,
    pub(super) due: Instant,
}

/// What an instance does for a limited time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Until it asks for work for the first time.
    Init,
    /// Until it has an outcome.
    Invocation,
    /// Until it asks for work again.
    Return,
}

impl Limit {
    /// A limit that begins now.
    pub(super) fn new(phase: Phase, allowed: Duration) -> Self {
        Self { phase, allowed, due: Instant::now() + allowed }
    }

    /// How long ago it began.
    pub(super) fn elapsed(&self) -> Duration {
        self.allowed.saturating_sub(self.due.saturating_duration_since(Instant::now()))
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let task = match self.phase {
            Phase::Init => "come through its init phase",
            Phase::Invocation => "finish",
            Phase::Return => "ask for work again",
        };
        write!(f, "it did not {task} within {:?}", self.allowed)
    }
}

/// How an instance ended.
pub(super) struct End {
    /// It was killed because its time was up.
    pub(super) overran: bool,
    /// Its exit status and the last lines that it wrote.
    pub(super) last_words: String,
}

/// Starts an instance and stays with it until it ends.
pub(super) async fn run(launch: &Launch, id: InstanceId, limit: watch::Receiver<Option<Limit>>) -> End {
    let mut child = match spawn(launch, id) {
        Ok(child) => child,
        Err(error) => {
            let last_words = format!("cannot run {}: {error}", launch.binary.display());
            launch.log.line(&launch.function.label, &last_words);
            return End { overran: false, last_words };
        }
    };
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let wait = wait(&mut child, limit);
    let ((overrun, status), _, last_lines) = tokio::join!(wait, follow(launch, stdout), follow(launch, stderr));
    let status = status.map_or_else(|error| error.to_string(), |status| status.to_string());
    if let Some(limit) = overrun {
        launch.log.line(&launch.function.label, &format!("killed: {limit}"));
    }
    End { overran: overrun.is_some(), last_words: format!("{}\n({status})", last_lines.join("\n")) }
}

/// The process sees the environment that Lambda gives and nothing of the developer's. It is a process group of its own, so that Ctrl-C
/// reaches the local stack alone, which then ends its instances itself; if the local stack is killed hard, the connection to its Runtime
/// API breaks, and that ends the instance too.
fn spawn(launch: &Launch, id: InstanceId) -> std::io::Result<Child> {
    let runtime_api = format!("http://{}/{}/{id}", launch.runtime, launch.function.name);
    let mut command = Command::new(&launch.binary);
    #[cfg(unix)]
    command.process_group(0);
    command
        .env_clear()
        .envs(&launch.environment)
        .env("AWS_LAMBDA_LOG_STREAM_NAME", format!("local/[$LATEST]{}", id.simple()))
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

async fn wait(
    child: &mut Child,
    limit: watch::Receiver<Option<Limit>>,
) -> (Option<Limit>, std::io::Result<ExitStatus>) {
    let limit = tokio::select! {
        status = child.wait() => return (None, status),
        limit = overrun(limit) => limit,
    };
    // It may have ended by itself just now; either way it is gone after this.
    let _ = child.start_kill();
    (Some(limit), child.wait().await)
}

/// Resolves when a limit is reached.
async fn overrun(mut limit: watch::Receiver<Option<Limit>>) -> Limit {
    loop {
        let current = *limit.borrow_and_update();
        let changed = match current {
            None => limit.changed().await,
            Some(current) => tokio::select! {
                () = tokio::time::sleep_until(current.due) => return current,
                changed = limit.changed() => changed,
            },
        };
        if changed.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Passes every line on to the log and keeps the last ones.
async fn follow(launch: &Launch, output: Option<impl AsyncRead + Unpin>) -> Vec<String> {
    let Some(output) = output else { return Vec::new() };
    let mut reader = BufReader::new(output);
    let mut last_lines = VecDeque::with_capacity(LAST_LINES);
    let mut line = Vec::new();
    while let Ok(1..) = reader.read_until(b'\n', &mut line).await {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        launch.log.line(&launch.function.label, &text);
        if last_lines.len() == LAST_LINES {
            last_lines.pop_front();
        }
        last_lines.push_back(text);
        line.clear();
    }
    last_lines.into()
}

#[cfg(test)]
#[cfg(unix)]
#[path = "instance_tests.rs"]
pub(super) mod tests;
