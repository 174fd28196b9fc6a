//! What a run leaves behind for the checks that follow it (`tests/suite`): a folder with `run.json`, which says what kind of run it was, and
//! with what each stack and each proxy wrote. `failed` is there if a test failed, from the first
//! test on: the harness starts tests in the order of their names, and the first of all begins the run (`tests/main.rs`).

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::LazyLock,
    time::Duration,
};

use serde_json::json;

/// From this age on, a folder is that of an earlier run: in one that is in use, something is always written.
const LEFT_BEHIND: Duration = Duration::from_mins(15);

static FOLDER: LazyLock<PathBuf> = LazyLock::new(begin);

/// This run's folder.
pub fn folder() -> &'static Path {
    &FOLDER
}

fn begin() -> PathBuf {
    let all = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = all.join(format!("{}-{}", env!("CARGO_CRATE_NAME"), std::process::id()));
    // A process of long ago may have had the same id.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder can be made");
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let run = json!({"started_by": starter(), "arguments": arguments});
    fs::write(folder.join("run.json"), run.to_string()).expect("a file can be written");
    // Before anything that takes time: other tests have started.
    note_failures(folder.join("failed"));
    remove_earlier_runs(all);
    folder
}

/// The process that runs one test binary after the other.
#[cfg(unix)]
fn starter() -> u32 {
    std::os::unix::process::parent_id()
}

/// Can't be told here, and nobody asks.
#[cfg(not(unix))]
fn starter() -> u32 {
    0
}

/// A test that fails panics, on whichever thread.
fn note_failures(file: PathBuf) {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let _ = File::create(&file);
        report(panic);
    }));
}

fn remove_earlier_runs(all: &Path) {
    let entries = fs::read_dir(all).expect("Cargo makes the folder").filter_map(|entry| Some(entry.ok()?.path()));
    for folder in entries.filter(|path| path.join("run.json").exists() && is_left_behind(path)) {
        // Another test process may have been faster.
        let _ = fs::remove_dir_all(folder);
    }
}

/// Whether nothing in the folder was written lately.
fn is_left_behind(folder: &Path) -> bool {
    let files = fs::read_dir(folder).into_iter().flatten().filter_map(|entry| entry.ok()?.metadata().ok());
    let mut ages = files.filter_map(|file| file.modified().ok()?.elapsed().ok());
    ages.all(|age| age > LEFT_BEHIND)
}
