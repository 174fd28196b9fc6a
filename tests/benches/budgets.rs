//! Measures the release binaries on a stack of their own and prints each figure beside its budget.
//!
//! `cargo bench --package tests`, on Linux. CPU times are the kernel's account of the function's process (`/proc/PID/stat`),
//! so that a busy machine does not stretch them; latencies are what a client on this machine sees, the local gateway included.

#![expect(clippy::expect_used, reason = "a measurement that can't go on has failed")]
#![expect(unreachable_pub, dead_code, unused_imports, reason = "the harness is the tests'")]

#[path = "../support/mod.rs"]
mod support;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use shared::{
    access_token::{Algorithm, Claims, Signer, Verifier},
    ids::{SessionId, UserKey},
    keys::KeyPair,
    world::{System, World},
};
use support::{App, Options, Person, Stack};

/// How many warm requests a figure is the mean of.
const REQUESTS: u32 = 2000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let app = App::on(Stack::private(&Options { optimised: true, ..Options::default() }));
    println!("{:44} {:>10} {:>10} {:>7}", "", "measured", "budget", "ratio");

    refresh(&app).await;
    token_info(&app).await;
    sign_in(&app).await;
    signatures();
    sizes();
}

async fn refresh(app: &App) {
    let mut ada = app.signed_in(&app.service(), "ada").await;
    let process = Process::of(app, "refresh");
    ada.refresh().await.ok();
    let (before, started) = (process.cpu_ms(), Instant::now());
    for _ in 0..REQUESTS {
        ada.refresh().await.ok();
    }
    report("refresh: warm, CPU", (process.cpu_ms() - before) / f64::from(REQUESTS), 0.5, "ms");
    let latency = started.elapsed().as_secs_f64() * 1000.0 / f64::from(REQUESTS);
    println!("{:44} {latency:7.2} ms", "refresh: warm, latency seen by a client");
    report("refresh: resident memory", process.resident_mib(), 20.0, "MiB");
}

async fn token_info(app: &App) {
    let ada = app.signed_in(&app.service(), "ada").await;
    let process = Process::of(app, "token_info");
    ada.token_info().await.ok();
    let before = process.cpu_ms();
    for _ in 0..REQUESTS {
        ada.token_info().await.ok();
    }
    report("token_info: warm, CPU", (process.cpu_ms() - before) / f64::from(REQUESTS), 0.5, "ms");
}

async fn sign_in(app: &App) {
    let mut ada: Person = app.signed_in(&app.service(), "ada").await;
    let process = Process::of(app, "authenticate");
    let before = process.cpu_ms();
    for _ in 0..50 {
        ada.sign_in().await.ok();
    }
    // The C reference takes 20.6 ms for the hash alone on the machine that the budget was set on.
    report("authenticate: warm, CPU", (process.cpu_ms() - before) / 50.0, 20.6, "ms");
    report("authenticate: resident memory", process.resident_mib(), 20.0 + 19.0, "MiB");
}

/// Access tokens without any I/O, in this process.
fn signatures() {
    let pair = KeyPair::generate(Algorithm::ES256, &System).expect("a pair");
    let signer = Signer::new(pair.kid.clone(), pair.algorithm, &pair.private);
    let verifier = Verifier::new("https://issuer".to_owned(), [(pair.kid, pair.algorithm, pair.public)]).expect("keys");
    let now = System.now();
    let claims: Claims = serde_json::from_value(serde_json::json!({
        "iss": "https://issuer", "aud": "https://audience", "sub": UserKey::random(&System), "exp": now, "iat": now,
        "nbf": now, "jti": "6f9619ff-8b86-4011-b42d-00c04fc964ff", "sid": SessionId::random(&System),
        "client_id": "6f9619ff-8b86-4011-b42d-00c04fc964ff", "auth_time": now, "amr": ["pwd"], "scope": "", "ep": 0,
    }))
    .expect("claims");
    let token = signer.sign(&claims).expect("a token");

    report(
        "ES256: verification",
        micros(|| drop(verifier.verify(token.expose(), "https://audience", now))),
        100.0,
        "us",
    );
    println!("{:44} {:7.2} us", "ES256: signature", micros(|| drop(signer.sign(&claims))));
}

/// The mean time of `work`, in microseconds.
fn micros(work: impl Fn()) -> f64 {
    let started = Instant::now();
    (0..REQUESTS).for_each(|_| work());
    started.elapsed().as_secs_f64() * 1e6 / f64::from(REQUESTS)
}

/// The size of each binary, as it is and as API Gateway's users would upload it.
fn sizes() {
    let folder = target().join("release");
    let largest = functions::ROUTES
        .iter()
        .filter_map(|route| Some((fs::metadata(folder.join(route.function)).ok()?.len(), route.function)))
        .max()
        .expect("the functions were built");
    println!("{:44} {:7.2} MiB  ({})", "largest binary, before it is zipped", mib(largest.0), largest.1);
}

fn report(what: &str, measured: f64, budget: f64, unit: &str) {
    println!("{what:44} {measured:7.2} {unit} {budget:7.2} {unit} {:7.2}", measured / budget);
}

#[expect(clippy::cast_precision_loss, reason = "no figure here needs more than 53 bits")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

fn target() -> PathBuf {
    // The benchmark's own binary lies in target/release/deps.
    let own = std::env::current_exe().expect("a path");
    own.ancestors().nth(3).expect("target").to_owned()
}

/// The one instance of a function that runs so far.
struct Process(PathBuf);

impl Process {
    fn of(app: &App, binary: &str) -> Self {
        let issuer = format!("GATELET_ISSUER={}/api/v1/auth", app.stack.ready.base_url);
        let is_instance = |folder: &Path| {
            let named = fs::read_link(folder.join("exe")).is_ok_and(|exe| exe.ends_with(binary));
            let environment = fs::read(folder.join("environ")).unwrap_or_default();
            named && environment.split(|byte| *byte == 0).any(|variable| variable == issuer.as_bytes())
        };
        let folders = fs::read_dir("/proc").expect("Linux").filter_map(|entry| Some(entry.ok()?.path()));
        Self(folders.filter(|folder| is_instance(folder)).max().expect("the function runs"))
    }

    /// CPU time so far, in milliseconds. The kernel counts in hundredths of a second.
    fn cpu_ms(&self) -> f64 {
        let stat = fs::read_to_string(self.0.join("stat")).expect("the process lives");
        // The second field is a name in parentheses; user and system time are the 14th and 15th.
        let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |field: usize| fields.get(field - 3).and_then(|text| text.parse::<u32>().ok()).expect("a number");
        f64::from(ticks(14) + ticks(15)) * 10.0
    }

    /// Memory that the process holds at present.
    fn resident_mib(&self) -> f64 {
        let status = fs::read_to_string(self.0.join("status")).expect("the process lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a figure");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        mib(kib * 1024)
    }
}
