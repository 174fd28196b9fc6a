//! Guessing: how often anybody may try, and who is not kept out by that.

use std::{net::IpAddr, time::Duration};

use futures_util::{StreamExt, future::join_all, stream};
use reqwest::Client;
use serde_json::{Value, json};
use shared::{
    ids::UserKey,
    store::{Admission, Throttles},
    throttle::{CEILING, Counted, FREE, Guesser, KEPT_FOR, Source, delay},
    world::{System, Timestamp, World},
};

use crate::support::{Answer, App, Known, Options, PASSWORD, Person, Stack};

/// As many as the embedded database answers within the time that a call may take.
const AT_ONCE: usize = 100;

/// How many of `answers` judged a password; the others had to wait, and say for how long.
fn judged(answers: Vec<Answer>) -> usize {
    let (judged, told_to_wait): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 401);
    for answer in told_to_wait {
        let answer = answer.problem(429, "too_many_attempts");
        assert!(answer.header("retry-after").parse::<u64>().expect("seconds") > 0);
    }
    judged.len()
}

async fn guess(app: &App, name: &str) -> Answer {
    let body = json!({"user_id": name, "user_secret": "not the password"});
    app.post(&app.service(), "/authenticate", &body).await
}

/// Who is new to the service.
fn stranger() -> Guesser {
    Guesser::Stranger(UserKey::random(&System))
}

async fn fail(throttles: &Throttles, guesser: Guesser, now: Timestamp) -> Admission {
    throttles.count_failure(guesser, now, &System).await.expect("the store answers")
}

/// As if `person`'s account had been guessed at until it has to wait for minutes, or for good.
async fn guessed_at(person: &Person, failures: u32) {
    let guesser = Guesser::Stranger(person.user_key.parse().expect("a key"));
    let throttles = person.app.database.store().throttles;
    let waits: Duration = (0..failures).map(delay).sum();
    let mut then = System.now().minus(waits);
    for count in 0..failures {
        then = then.plus(delay(count));
        fail(&throttles, guesser, then).await;
    }
}

#[tokio::test]
async fn an_account_waits_longer_after_each_failure_and_is_locked_at_the_ceiling() {
    let throttles = App::start().database.store().throttles;
    let guesser = stranger();
    let mut now = System.now();
    for count in 1..=CEILING {
        let wait = delay(count - 1);
        now = now.plus(wait);
        if !wait.is_zero() {
            let refused = Admission::Refused { retry_after: Duration::from_secs(1), locked: false };
            assert_eq!(fail(&throttles, guesser, now.minus(Duration::from_secs(1))).await, refused, "{count}");
        }
        assert_eq!(fail(&throttles, guesser, now).await, Admission::Granted { count });
    }
    let locked = |retry_after| Admission::Refused { retry_after, locked: true };
    assert_eq!(fail(&throttles, guesser, now).await, locked(KEPT_FOR));
    let later = now.plus(KEPT_FOR).minus(Duration::from_secs(1));
    assert_eq!(fail(&throttles, guesser, later).await, locked(Duration::from_secs(1)));
    // The item is still there: TTL has not collected it.
    assert_eq!(fail(&throttles, guesser, now.plus(KEPT_FOR)).await, Admission::Granted { count: 1 });
    assert_eq!(fail(&throttles, guesser, now.plus(KEPT_FOR)).await, Admission::Granted { count: 2 });
}

#[tokio::test]
async fn a_thousand_guesses_at_once_are_five() {
    let throttles = App::start().database.store().throttles;
    let (guesser, now) = (stranger(), System.now());
    let answers: Vec<_> =
        stream::iter(0..1000).map(|_| fail(&throttles, guesser, now)).buffer_unordered(AT_ONCE).collect().await;
    let granted = answers.iter().filter(|answer| matches!(answer, Admission::Granted { .. })).count();
    assert_eq!(granted, FREE as usize);

    let (source, limit) = (Source::of_address(Some("2001:db8::7")), 40);
    let attempt = |_| throttles.count_attempt(Counted::SignIns, source, limit, now);
    let answers: Vec<_> = stream::iter(0..1000).map(attempt).buffer_unordered(AT_ONCE).collect().await;
    let granted = |answer: &Result<Admission, _>| matches!(answer, Ok(Admission::Granted { .. }));
    assert_eq!(answers.iter().filter(|answer| granted(answer)).count(), limit as usize);
    let next = Counted::SignIns.window_start(now).plus(Counted::SignIns.window());
    let anew = throttles.count_attempt(Counted::SignIns, source, limit, next).await;
    assert!(matches!(anew, Ok(Admission::Granted { count: 1 })), "{anew:?}");
}

/// A world in which every draw is the same: two attempts in it are one whose answer got lost.
struct Lost;

impl World for Lost {
    fn now(&self) -> Timestamp {
        System.now()
    }

    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

#[tokio::test]
async fn an_attempt_that_is_sent_again_counts_once() {
    let throttles = App::start().database.store().throttles;
    let (guesser, now) = (stranger(), System.now());
    for _ in 0..FREE - 1 {
        fail(&throttles, guesser, now).await;
    }
    for _ in 0..2 {
        let answer = throttles.count_failure(guesser, now, &Lost).await.expect("the store answers");
        assert_eq!(answer, Admission::Granted { count: FREE });
    }
}

#[tokio::test]
async fn known_and_unknown_users_are_guessed_at_alike_and_no_more_often_in_parallel() {
    let app = App::start();
    let ada = app.registered(&app.service(), "ada").await;
    let disabled = app.registered(&app.service(), "ada").await;
    app.database.set_user(&disabled.user_key, "status", "disabled").await;
    for name in [ada.user_id, disabled.user_id, app.fresh_name("nobody")] {
        let started = System.now();
        let answers = join_all((0..40).map(|_| guess(&app, &name))).await;
        // Whole seconds: a failure late in one and an attempt early in the next are a second apart.
        let elapsed = System.now().since(started).as_secs() + 1;
        let most = FREE as usize + (0..16).take_while(|n| (1 << (n + 1)) - 1 <= elapsed).count();
        let judged = judged(answers);
        assert!((FREE as usize..=most).contains(&judged), "{name}: {judged} of 40 in {elapsed} s, {most} at most");
    }
}

#[tokio::test]
async fn success_takes_the_failures_back() {
    let app = App::start();
    let mut ada = app.registered(&app.service(), "ada").await;
    for _ in 0..3 {
        for _ in 0..FREE - 1 {
            guess(&app, &ada.user_id).await.problem(401, "invalid_credentials");
        }
        ada.sign_in().await.ok();
    }
}

async fn sign_in_with(person: &Person, device_token: &Value) -> Answer {
    let body = json!({"user_id": person.user_id, "user_secret": PASSWORD, "device_token": device_token});
    person.app.post(&person.application, "/authenticate", &body).await
}

#[tokio::test]
async fn strangers_guesses_keep_nobody_out_of_a_session_or_a_known_device() {
    let app = App::start();
    let mut ada = app.registered(&app.service(), "ada").await;
    let device = ada.sign_in().await.ok().body()["device_token"].clone();
    guessed_at(&ada, 2 * FREE + 2).await;
    guess(&app, &ada.user_id).await.problem(429, "too_many_attempts");

    ada.sign_in().await.problem(429, "too_many_attempts");
    ada.refresh().await.ok();
    ada.token_info().await.ok();
    for _ in 0..3 {
        let answer = sign_in_with(&ada, &device).await.ok();
        assert!(answer.text_of("device_token").starts_with("gl_dt_"));
    }

    // A token of another account, a changed one and none at all make a stranger, who waits.
    let eve = app.registered(&app.service(), "eve").await;
    let hers = sign_in_with(&eve, &Value::Null).await.ok().body()["device_token"].clone();
    let changed = json!(format!("{}A", &device.as_str().expect("text")[..70]));
    let refresh_token = json!(ada.refresh_token);
    for token in [hers, changed, refresh_token, json!(""), Value::Null] {
        sign_in_with(&ada, &token).await.problem(429, "too_many_attempts");
    }
    sign_in_with(&ada, &json!(7)).await.problem(422, "validation_failed");
}

#[tokio::test]
async fn a_known_device_has_no_more_guesses_than_a_stranger() {
    let app = App::start();
    let mut ada = app.registered(&app.service(), "ada").await;
    let device = ada.sign_in().await.ok().body()["device_token"].clone();
    let body = json!({"user_id": ada.user_id, "user_secret": "not the password", "device_token": device});
    let guesses = || app.post(&ada.application, "/authenticate", &body);
    let mut failures = 0;
    while guesses().await.status != 429 {
        failures += 1;
    }
    assert!(failures >= FREE);
    sign_in_with(&ada, &device).await.problem(429, "too_many_attempts");
    // It has not used up anybody else's.
    sign_in_with(&ada, &Value::Null).await.ok();
}

#[tokio::test]
async fn the_ceiling_locks_strangers_out_until_an_operator_unlocks() {
    let app = App::start();
    let mut ada = app.registered(&app.service(), "ada").await;
    let device = ada.sign_in().await.ok().body()["device_token"].clone();
    guessed_at(&ada, CEILING - 1).await;
    let throttles = app.database.store().throttles;
    let guesser = Guesser::Stranger(ada.user_key.parse().expect("a key"));
    // The last wait.
    app.database.age_failures(&ada.user_key, delay(CEILING)).await;
    guess(&app, &ada.user_id).await.problem(401, "invalid_credentials");
    let locked = ada.sign_in().await.problem(429, "too_many_attempts");
    let day = 24 * 60 * 60;
    assert!(locked.header("retry-after").parse::<u64>().expect("seconds") > 364 * day);
    let told = |line: &str| line.contains(r#""event":"sign_in.locked""#) && line.contains(&ada.user_key);
    app.stack.log_with("that the account is locked", |log| log.lines().any(told)).await;

    sign_in_with(&ada, &device).await.ok();
    ada.sign_in().await.problem(429, "too_many_attempts");
    throttles.forgive(guesser).await.expect("the store answers");
    ada.sign_in().await.ok();
}

/// A stack with low limits, and somebody at another address for each test.
struct Limited {
    app: App,
    limit: usize,
}

impl Limited {
    fn start() -> Self {
        let parameters =
            ["--with-example", "--parameter", "SignInsPerSource=8", "--parameter", "RegistrationsPerSource=8"];
        let options = Options { arguments: &parameters, ..Options::default() };
        Self { app: App::on(Stack::private(&options)), limit: 8 }
    }

    /// Somebody at `address`.
    fn at(&self, address: [u8; 4]) -> App {
        let client = Client::builder().no_proxy().local_address(IpAddr::from(address)).build();
        App { client: client.expect("a client can be built"), ..self.app.clone() }
    }

    /// Sends what `request` makes until it is told to wait. A window may end meanwhile, but not two.
    async fn exhaust(&self, mut request: impl AsyncFnMut() -> Answer) -> Answer {
        for sent in 0..=2 * self.limit {
            let answer = request().await;
            if answer.status == 429 {
                assert!(sent >= self.limit, "{sent}");
                return answer.problem(429, "too_many_attempts");
            }
        }
        panic!("more than {} were admitted", 2 * self.limit);
    }
}

#[tokio::test]
async fn an_address_has_its_own_attempts_and_uses_up_nobody_elses() {
    let limited = Limited::start();
    let secret = |application: Known| Known { publishable_key: application.secret_key.clone(), ..application };
    let [here, there] = [[127, 0, 0, 2], [127, 0, 0, 3]].map(|address| limited.at(address));
    let ada = here.signed_in(&secret(here.service()), "ada").await;
    let device = sign_in_with(&ada, &Value::Null).await.ok().body()["device_token"].clone();
    let publicly = Person { application: here.service(), ..ada.clone() };

    // One password on many names, behind addresses that are made up.
    let mut count = 0_u32;
    let mut spray = async |app: &App| {
        let body = json!({"user_id": app.fresh_name("nobody"), "user_secret": "not the password"});
        count += 1;
        let forged = format!("203.0.113.{count}");
        let request = app.request("POST", "/authenticate").header("api-key", app.service().publishable_key);
        let request = ["x-forwarded-for", "forwarded", "x-real-ip"]
            .iter()
            .fold(request, |request, name| request.header(*name, forged.clone()));
        app.send(request.header("content-type", "application/json").body(body.to_string())).await
    };
    let refused = limited.exhaust(async || spray(&here).await).await;
    let seconds = refused.header("retry-after").parse::<u64>().expect("seconds");
    assert!(seconds <= Counted::SignIns.window().as_secs(), "{seconds}");
    spray(&there).await.problem(401, "invalid_credentials");

    sign_in_with(&publicly, &Value::Null).await.problem(429, "too_many_attempts");
    sign_in_with(&publicly, &device).await.ok();
    sign_in_with(&ada, &Value::Null).await.ok();
    publicly.clone().refresh().await.ok();
    here.registered(&here.service(), "registrations-have-their-own").await;
}

#[tokio::test]
async fn an_address_registers_so_many_and_a_server_as_many_as_it_likes() {
    let limited = Limited::start();
    let here = limited.at([127, 0, 0, 4]);
    let register = async |key: &str| {
        let body = json!({"user_id": here.fresh_name("ada"), "user_secret": PASSWORD});
        let request = here.request("POST", "/register").header("api-key", key);
        here.send(request.header("content-type", "application/json").body(body.to_string())).await
    };
    let refused = limited.exhaust(async || register(&here.service().publishable_key).await).await;
    assert!(refused.header("retry-after").parse::<u64>().expect("seconds") <= 3600);
    register(&here.service().secret_key).await.status(201);
    // What can't be accepted is said, and not counted.
    here.post(&here.service(), "/register", &json!({})).await.problem(422, "validation_failed");
    guess(&here, "nobody").await.problem(401, "invalid_credentials");
    let told = |line: &str| line.contains(r#""event":"registration.throttled""#) && line.contains("127.0.0.4");
    here.stack.log_with("that an address had to wait", |log| log.lines().any(told)).await;
}
