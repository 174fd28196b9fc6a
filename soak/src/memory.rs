//! How much memory the functions take, as Linux tells.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use crate::stack::Ready;

/// An instance may be hashing a password at the moment, which takes 19 MiB: the least of several looks counts.
const LOOKS: u32 = 5;
const BETWEEN: Duration = Duration::from_millis(300);

/// Resident memory in KiB, by function and process.
pub(crate) struct Memory(BTreeMap<String, BTreeMap<String, u64>>);

impl Memory {
    /// Of all instances of the stack's functions. Empty where there is no `/proc`.
    pub(crate) async fn look(ready: &Ready) -> Self {
        let mut least: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for _ in 0..LOOKS {
            for (function, process, resident) in instances(&ready.dynamodb_endpoint) {
                let known = least.entry(function).or_default().entry(process).or_insert(resident);
                *known = resident.min(*known);
            }
            tokio::time::sleep(BETWEEN).await;
        }
        Self(least)
    }

    pub(crate) fn functions(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// How many instances a function has, and what the largest one takes.
    pub(crate) fn of(&self, function: &str) -> (usize, u64) {
        let instances = self.0.get(function);
        let largest = instances.and_then(|all| all.values().max()).copied().unwrap_or_default();
        (instances.map_or(0, BTreeMap::len), largest)
    }
}

fn instances(endpoint: &str) -> Vec<(String, String, u64)> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes.filter_map(|process| instance(&process.path(), endpoint)).collect()
}

fn instance(process: &Path, endpoint: &str) -> Option<(String, String, u64)> {
    let environment = fs::read_to_string(process.join("environ")).ok()?;
    let setting = |name: &str| environment.split('\0').find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    if setting("AWS_ENDPOINT_URL_DYNAMODB") != Some(endpoint) {
        return None;
    }
    let name = setting("AWS_LAMBDA_FUNCTION_NAME")?.rsplit('-').next()?;
    let status = fs::read_to_string(process.join("status")).ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?;
    let id = process.file_name()?.to_string_lossy().into_owned();
    Some((name.trim_end_matches("Function").to_owned(), id, resident.parse().ok()?))
}
