//! A local stack of the soak's own.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::Value;

use crate::{Options, count::Count};

/// Building the functions from nothing takes minutes on a small machine.
const START: Duration = Duration::from_mins(20);
/// How long the last lines of the log may travel.
const ARRIVAL: Duration = Duration::from_secs(20);

pub(crate) struct Stack {
    pub(crate) ready: Ready,
    log_file: PathBuf,
    /// Kept for its standard input: the stack ends when that does.
    _process: Child,
}

/// The ready file.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Ready {
    pub(crate) base_url: String,
    pub(crate) dynamodb_endpoint: String,
    pub(crate) region: String,
    pub(crate) tables: BTreeMap<String, String>,
    pub(crate) applications: BTreeMap<String, Application>,
}

/// A seeded application.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Application {
    pub(crate) secret_key: String,
}

impl Stack {
    /// Starts it and waits until every function answers.
    pub(crate) fn start(options: &Options) -> Self {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package is in the workspace");
        let folder = workspace.join("target/soak");
        fs::create_dir_all(&folder).expect("a folder can be made");
        let [ready_file, log_file] = ["ready.json", "functions.log"].map(|name| folder.join(name));
        for file in [&ready_file, &log_file] {
            // They may be those of an earlier soak, or not there.
            let _ = fs::remove_file(file);
        }
        let mut command = Command::new(env!("CARGO"));
        command.args(["run", "--quiet", "--package", "gatelet", "--", "dev", "--port", "0", "--exit-with-stdin"]);
        command.arg("--ready-file").arg(&ready_file).arg("--log-file").arg(&log_file);
        command.arg("--grace").arg(options.grace.to_string());
        if options.no_recovery {
            command.arg("--no-recovery");
        }
        if options.release {
            command.arg("--release");
        }
        command.current_dir(workspace).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut process = command.spawn().expect("cargo can be run");
        let ready = wait_for(&ready_file, &mut process);
        Self { ready, log_file, _process: process }
    }

    /// How often the functions refreshed by which case, as their audit events say, once there is one for every request.
    pub(crate) async fn cases(&self, count: &Count) -> BTreeMap<String, u64> {
        let deadline = Instant::now() + ARRIVAL;
        loop {
            let cases = self.read_cases();
            let refreshed = count.refreshes.load(Ordering::Relaxed);
            if cases.values().sum::<u64>() >= refreshed || Instant::now() > deadline {
                return cases;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn read_cases(&self) -> BTreeMap<String, u64> {
        let log = BufReader::new(fs::File::open(&self.log_file).expect("the stack writes its log"));
        let mut cases = BTreeMap::new();
        for line in log.lines().map_while(Result::ok).filter(|line| line.contains(r#""event":"refresh."#)) {
            let line: Value = serde_json::from_str(&line).expect("an event is JSON");
            let case = line["case"].as_str().unwrap_or("?").to_owned();
            *cases.entry(case).or_default() += 1;
        }
        cases
    }
}

fn wait_for(ready_file: &Path, process: &mut Child) -> Ready {
    let deadline = Instant::now() + START;
    loop {
        if let Ok(text) = fs::read_to_string(ready_file) {
            return serde_json::from_str(&text).expect("the ready file is JSON of its documented form");
        }
        if let Some(status) = process.try_wait().expect("the stack's state can be asked") {
            panic!("the stack ended before it was ready: {status}");
        }
        assert!(Instant::now() < deadline, "the stack was not ready within {START:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
