//! Running `gatelet dev` and knowing where it is.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use serde::Deserialize;

use super::{project_file, run};

/// Building the functions from nothing takes minutes on a small machine.
const START: Duration = Duration::from_mins(20);

/// All tests come from one address. Those of throttling set lower limits of their own.
const UNTHROTTLED: [&str; 4] =
    ["--parameter", "SignInsPerSource=1000000", "--parameter", "RegistrationsPerSource=1000000"];

/// The stack that most tests share, and the one that builds the functions. It ends with the test process: its standard
/// input does.
static SHARED: LazyLock<Stack> = LazyLock::new(|| Stack::start(&[], &Options::default()));

/// A running local stack, as its ready file describes it.
pub struct Stack {
    pub ready: Ready,
    pub log_file: PathBuf,
    /// Kept for its standard input, which must stay open.
    _process: Child,
}

/// The ready file.
#[derive(Debug, Clone, Deserialize)]
pub struct Ready {
    pub base_url: String,
    pub dynamodb_endpoint: String,
    pub region: String,
    pub tables: BTreeMap<String, String>,
    pub applications: BTreeMap<String, ExampleApplication>,
}

/// One of the seeded applications.
#[derive(Debug, Clone, Deserialize)]
pub struct ExampleApplication {
    pub application_id: String,
    pub publishable_key: String,
    pub secret_key: String,
}

/// How a stack of a test's own differs from the shared one.
#[derive(Default)]
pub struct Options<'a> {
    pub arguments: &'a [&'a str],
    /// Another DynamoDB than the embedded one.
    pub endpoint: Option<&'a str>,
    /// Variables that the stack finds.
    pub environment: &'a [(&'a str, &'a str)],
    /// Functions as they are when deployed, built first.
    pub optimised: bool,
}

impl Stack {
    /// The shared one.
    pub fn shared() -> &'static Self {
        &SHARED
    }

    /// One of a test's own, which lasts as long as the test process. It builds nothing, because the shared one has; so that
    /// is waited for first, whichever test comes first.
    pub fn private(options: &Options<'_>) -> &'static Self {
        let build = if options.optimised {
            "--release"
        } else {
            Self::shared();
            "--no-build"
        };
        let arguments = [&[build], options.arguments].concat();
        Box::leak(Box::new(Self::start(&arguments, options)))
    }

    /// Starts one and waits until every function answers. With `--no-build` that works only if somebody else has built, so
    /// nobody starts one but the two above.
    fn start(arguments: &[&str], options: &Options<'_>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let stack = run::folder().join(format!("stack-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let [ready_file, log_file, record] = ["json", "log", "record"].map(|kind| stack.with_extension(kind));

        let mut command = Command::new(env!("CARGO"));
        command.args(["run", "--quiet", "--package", "gatelet", "--", "dev", "--port", "0", "--exit-with-stdin"]);
        command.arg("--ready-file").arg(&ready_file).arg("--log-file").arg(&log_file);
        command.arg("--record").arg(&record).args(UNTHROTTLED).args(arguments);
        if let Some(endpoint) = options.endpoint {
            command.args(["--dynamodb-endpoint", endpoint]);
        }
        // Without credentials, each function is given some of its own, by which a record tells who asked.
        for setting in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"] {
            command.env_remove(setting);
        }
        command.envs(options.environment.iter().copied());
        command.current_dir(project_file("")).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut process = command.spawn().expect("cargo can be run");

        let ready = wait_for(&ready_file, &mut process);
        Self { ready, log_file, _process: process }
    }
}

fn wait_for(ready_file: &PathBuf, process: &mut Child) -> Ready {
    let deadline = Instant::now() + START;
    loop {
        if let Ok(text) = std::fs::read_to_string(ready_file) {
            return serde_json::from_str(&text).expect("the ready file is JSON of its documented form");
        }
        if let Some(status) = process.try_wait().expect("the stack's state can be asked") {
            panic!("the stack ended before it was ready: {status}");
        }
        assert!(Instant::now() < deadline, "the stack was not ready within {START:?}");
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(50));
    }
}
