//! The functions' processes, as Linux shows them under `/proc`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// How often a process is looked for: `/proc` shows what it shows while everything moves.
const LOOKS: usize = 20;

/// Kills the process at the other end of a connection to `port`, whose own port is `peer`, as hard as can be. False if
/// there is none.
pub fn kill_caller(peer: u16, port: u16) -> bool {
    let find = || {
        let socket = socket(peer, port)?;
        processes().find(|process| holds(process, &socket))
    };
    let caller = (0..LOOKS).find_map(|_| find());
    caller.is_some_and(|process| kill(&process))
}

/// Kills all instances of a function that know DynamoDB by `endpoint`. How many.
pub fn kill_instances(endpoint: &str, function: &str) -> usize {
    let settings = [format!("AWS_ENDPOINT_URL_DYNAMODB={endpoint}"), format!("AWS_LAMBDA_FUNCTION_NAME={function}")];
    let is_one = |process: &PathBuf| {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        let variables: Vec<_> = environment.split(|byte| *byte == 0).collect();
        settings.iter().all(|setting| variables.contains(&setting.as_bytes()))
    };
    processes().filter(is_one).filter(|process| kill(process)).count()
}

fn processes() -> impl Iterator<Item = PathBuf> {
    let all = fs::read_dir("/proc").expect("Linux shows its processes").filter_map(|entry| Some(entry.ok()?.path()));
    all.filter(|path| path.file_name().is_some_and(|name| name.as_encoded_bytes().iter().all(u8::is_ascii_digit)))
}

/// The socket of a connection from `local` to `remote`, as a process holds it.
fn socket(local: u16, remote: u16) -> Option<String> {
    let connections = fs::read_to_string("/proc/net/tcp").ok()?;
    let ends = [local, remote].map(|port| format!(":{port:04X}"));
    let mut fields = connections.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let is_it =
        |line: &Vec<&str>| ends.iter().enumerate().all(|(at, end)| line[at + 1].ends_with(end)) && line[9] != "0";
    fields.find(is_it).map(|line| format!("socket:[{}]", line[9]))
}

fn holds(process: &Path, socket: &str) -> bool {
    let files = fs::read_dir(process.join("fd")).into_iter().flatten().flatten();
    files.filter_map(|file| fs::read_link(file.path()).ok()).any(|link| link.as_os_str() == socket)
}

fn kill(process: &Path) -> bool {
    let id = process.file_name().expect("a process has an id");
    Command::new("kill").arg("-KILL").arg(id).status().is_ok_and(|status| status.success())
}
