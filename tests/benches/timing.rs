//! Whether the time of a refusal tells who has an account: unknown user, wrong password, disabled user, no password, as a client sees them.
//!
//! `cargo bench --package tests --bench timing`. Welch's t of two samples says how sure it is that their means differ, not by
//! how much: beyond 4.5 it is taken for sure. What an attacker needs is the difference itself, which is printed beside the
//! time of a hash.

#![expect(clippy::expect_used, reason = "a measurement that can't go on has failed")]
#![expect(unreachable_pub, dead_code, unused_imports, reason = "the harness is the tests'")]

#[path = "../support/mod.rs"]
mod support;

use std::time::Instant;

use serde_json::{Value, json};
use shared::{
    ids::UserKey,
    user::{Status, User},
    world::{System, World},
};
use support::{App, Options, PASSWORD, Stack};

/// Attempts of each kind.
const SAMPLES: usize = 2000;

/// Attempts on one account: a fifth in a row would have to wait.
const EACH: usize = 4;

/// Attempts before the first that is measured.
const WARM_UP: usize = 20;

/// What is compared: the cause of a refusal.
const CAUSES: [&str; 5] = ["unknown user", "wrong password", "disabled user", "unknown key", "no password"];

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let app = App::on(Stack::private(&Options { optimised: true, ..Options::default() }));
    let attempts = attempts(&app).await;
    for (_, body) in attempts.iter().take(WARM_UP) {
        attempt(&app, body).await;
    }
    let mut times = CAUSES.map(|_| Vec::with_capacity(SAMPLES));
    for (cause, body) in &attempts[WARM_UP..] {
        times[*cause].push(attempt(&app, body).await);
    }

    let samples = times.map(Sample::of);
    println!("{:16} {:>6} {:>10} {:>10} {:>10}", "cause", "n", "median ms", "mean ms", "sd ms");
    for (cause, sample) in CAUSES.iter().zip(&samples) {
        let Sample { times, mean, variance } = sample;
        println!("{cause:16} {:6} {:10.3} {mean:10.3} {:10.3}", times.len(), sample.median(), variance.sqrt());
    }
    println!(
        "\n{:34} {:>12} {:>10} {:>8} {:>22}",
        "compared", "difference", "of a hash", "t", "t, fastest nine tenths"
    );
    for (one, other) in [(0, 1), (0, 2), (1, 2), (3, 4)] {
        let [a, b] = [&samples[one], &samples[other]];
        let difference = a.median() - b.median();
        let names = format!("{} and {}", CAUSES[one], CAUSES[other]);
        let (all, fastest) = (a.t(b), a.fastest().t(&b.fastest()));
        println!("{names:34} {difference:9.3} ms {:8.2} % {all:8.2} {fastest:22.2}", difference / b.median() * 100.0);
    }
}

/// The attempts in a random order, each with the index of its cause.
async fn attempts(app: &App) -> Vec<(usize, Value)> {
    let server = support::Known { publishable_key: app.service().secret_key, ..app.service() };
    let mut attempts = Vec::new();
    for _ in 0..(SAMPLES + WARM_UP) / EACH {
        let known = app.registered(&server, "known").await;
        let disabled = app.registered(&server, "disabled").await;
        app.database.set_user(&disabled.user_key, "status", &Status::Disabled.to_string()).await;
        let names = [app.fresh_name("unknown"), known.user_id, disabled.user_id];
        let by_key = [UserKey::random(&System).to_string(), without_password(app).await];
        for (cause, key) in (3..).zip(by_key) {
            let body = json!({"user_key": key, "user_secret": PASSWORD});
            attempts.extend(std::iter::repeat_n((cause, body), EACH));
        }
        for (cause, name) in names.iter().enumerate() {
            let password = if cause == 1 { "not the password at all" } else { PASSWORD };
            let body = json!({"user_id": name, "user_secret": password});
            attempts.extend(std::iter::repeat_n((cause, body), EACH));
        }
    }
    let mut keyed: Vec<_> = attempts.into_iter().map(|attempt| (System.random::<8>(), attempt)).collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, attempt)| attempt).collect()
}

/// Somebody who has come by a provider.
async fn without_password(app: &App) -> String {
    let key = UserKey::random(&System);
    let user = User::identified(key, support::believed(&key.to_string()).link(System.now()), System.now());
    assert!(app.database.store().users.register(&user, &System).await.expect("the store answers"));
    key.to_string()
}

/// How long a refusal takes, in milliseconds.
async fn attempt(app: &App, body: &Value) -> f64 {
    let request = app.request("POST", "/authenticate").header("api-key", app.service().secret_key);
    let request = request.header("content-type", "application/json").body(body.to_string());
    let started = Instant::now();
    let answer = app.send(request).await;
    let took = started.elapsed().as_secs_f64() * 1000.0;
    answer.problem(401, "invalid_credentials");
    took
}

/// Times of one kind, sorted.
struct Sample {
    times: Vec<f64>,
    mean: f64,
    variance: f64,
}

impl Sample {
    #[expect(clippy::cast_precision_loss, reason = "there are thousands of them")]
    fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        let count = times.len() as f64;
        let mean = times.iter().sum::<f64>() / count;
        let variance = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        Self { times, mean, variance }
    }

    /// Without the slowest tenth, which is the machine's and not the function's.
    fn fastest(&self) -> Self {
        Self::of(self.times[..self.times.len() / 10 * 9].to_vec())
    }

    fn median(&self) -> f64 {
        self.times[self.times.len() / 2]
    }

    /// Welch's t: the difference of the means in its standard errors.
    #[expect(clippy::cast_precision_loss, reason = "there are thousands of them")]
    fn t(&self, other: &Self) -> f64 {
        let error = |sample: &Self| sample.variance / sample.times.len() as f64;
        (self.mean - other.mean) / (error(self) + error(other)).sqrt()
    }
}
