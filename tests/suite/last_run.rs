//! The run of `api` that came just before, as `tests/support/run.rs` describes it.

use std::{
    fs::{self, File, TryLockError},
    os::unix::process::parent_id,
    path::{Path, PathBuf},
    sync::LazyLock,
    time::{Duration, Instant},
};

use serde::Deserialize;
use serde_json::Value;

/// How long a stack may take to end after the tests have.
const END: Duration = Duration::from_mins(1);

static LAST_RUN: LazyLock<Result<LastRun, String>> = LazyLock::new(LastRun::find);

/// What the stacks of a run wrote.
pub struct LastRun {
    pub folder: PathBuf,
    /// What was recorded of the functions, in no particular order across stacks.
    pub records: Vec<Value>,
    /// What the functions logged, and the file that it is in.
    pub logs: Vec<(String, String)>,
}

/// `run.json`.
#[derive(Deserialize)]
struct About {
    started_by: u32,
    arguments: Vec<String>,
}

impl LastRun {
    /// The run. Fails if there is none that says something about all tests.
    pub fn get() -> &'static Self {
        match &*LAST_RUN {
            Ok(run) => run,
            Err(problem) => panic!("{problem}: run the whole suite first, in one go with this, by `cargo test`"),
        }
    }

    fn find() -> Result<Self, String> {
        let entries = fs::read_dir(env!("CARGO_TARGET_TMPDIR")).expect("Cargo makes the folder");
        let folders = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let (about, folder) = folders
            .filter_map(|folder| Some((about(&folder)?, folder)))
            .find(|(about, _)| about.started_by == parent_id())
            .ok_or("the black-box tests have not run just before")?;
        // Nobody is told twice that all is well: the next may have another process of the same id before it.
        File::create_new(folder.join("checked")).map_err(|_| "what the last run left has been checked already")?;
        if folder.join("failed").exists() {
            return Err("a black-box test has failed".to_owned());
        }
        if !is_whole(&about.arguments) {
            return Err(format!("the last run was only `{}`", about.arguments.join(" ")));
        }
        Ok(Self::read(folder))
    }

    fn read(folder: PathBuf) -> Self {
        let (mut records, mut logs) = (Vec::new(), Vec::new());
        let entries = fs::read_dir(&folder).expect("the folder can be read");
        let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
        // First the records, which tell when a stack has ended.
        paths.sort_by_key(|path| path.extension().is_some_and(|kind| kind == "log"));
        for path in paths {
            match path.extension().and_then(|kind| kind.to_str()) {
                Some("record") => records.extend(record(&path)),
                Some("log") => logs.push((path.display().to_string(), text(&path))),
                _ => {}
            }
        }
        Self { folder, records, logs }
    }
}

fn about(folder: &Path) -> Option<About> {
    let is_of_api = folder.file_name()?.to_str()?.starts_with("api-");
    serde_json::from_slice(&fs::read(folder.join("run.json")).ok()?).ok().filter(|_| is_of_api)
}

/// The lines of a record, once nobody writes it any more.
fn record(path: &Path) -> Vec<Value> {
    let deadline = Instant::now() + END;
    let file = File::open(path).expect("the record can be opened");
    while let Err(TryLockError::WouldBlock) = file.try_lock_shared() {
        assert!(Instant::now() < deadline, "the stack of {} has not ended within {END:?}", path.display());
        std::thread::park_timeout(Duration::from_millis(20));
    }
    // A stack that is killed while it writes leaves half a line, the last.
    let text = text(path);
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| serde_json::from_str(line).expect("a line of a record is JSON")).collect()
}

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).expect("the file can be read")).into_owned()
}

/// Whether a test binary with these arguments runs every test.
fn is_whole(arguments: &[String]) -> bool {
    let mut arguments = arguments.iter().map(String::as_str);
    while let Some(argument) = arguments.next() {
        let (name, value) = argument.split_once('=').map_or((argument, None), |(name, value)| (name, Some(value)));
        match name {
            "--nocapture" | "--no-capture" | "--show-output" | "--quiet" | "-q" | "--include-ignored" => {}
            "--test-threads" | "--color" | "--format" => {
                if value.is_none() {
                    arguments.next();
                }
            }
            _ => return false,
        }
    }
    true
}

#[test]
fn a_filter_makes_a_run_partial() {
    let arguments = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for whole in ["", "--nocapture", "--test-threads 1", "--test-threads=1 -q"] {
        assert!(is_whole(&arguments(whole)), "{whole}");
    }
    for partial in ["sign_in", "--skip sign_in", "--ignored", "--test-threads 1 sign_in", "--exact a"] {
        assert!(!is_whole(&arguments(partial)), "{partial}");
    }
}
