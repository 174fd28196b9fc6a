//! Limits for a source address.

use std::{net::IpAddr, sync::LazyLock};

use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};
use shared::{application::TokenDelivery, throttle::Counted};

use super::{guess, sign_in_with};
use crate::support::{
    Answer, App, BELIEVER, BELIEVERS_END, BELIEVERS_SECRET, Known, Options, PASSWORD, Person, Stack, believer_at,
    lines_of,
};

/// A stack with low limits, where each test is at an address of its own.
struct Limited {
    app: App,
    limit: usize,
}

impl Limited {
    fn start() -> Self {
        static STACK: LazyLock<&Stack> = LazyLock::new(|| {
            let parameters = ["SignInsPerSource=8", "RegistrationsPerSource=8", &believer_at("http://127.0.0.1:1")];
            let arguments = parameters.map(|parameter| ["--parameter", parameter]).concat();
            let environment = [BELIEVERS_SECRET];
            Stack::private(&Options { arguments: &arguments, environment: &environment, ..Options::default() })
        });
        Self { app: App::on(*STACK), limit: 8 }
    }

    /// Somebody at `address`.
    fn at(&self, address: [u8; 4]) -> App {
        let client = Client::builder().no_proxy().redirect(Policy::none()).local_address(IpAddr::from(address)).build();
        App { client: client.expect("a client can be built"), ..self.app.clone() }
    }

    /// Sends what `request` makes until it is told to wait. A window may end meanwhile, but not two.
    async fn exhaust(&self, request: impl AsyncFnMut() -> Answer) -> Answer {
        let (sent, answer) = self.exhausted(request).await;
        assert!(sent >= self.limit, "{sent}");
        answer
    }

    /// The same after others have sent some, and how many were admitted.
    async fn exhausted(&self, mut request: impl AsyncFnMut() -> Answer) -> (usize, Answer) {
        for sent in 0..=2 * self.limit {
            let answer = request().await;
            if answer.status == 429 {
                return (sent, answer.problem(429, "too_many_attempts"));
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

    limited.exhausted(async || sign_in_with(&publicly, &Value::Null).await).await;
    sign_in_with(&publicly, &device).await.ok();
    sign_in_with(&ada, &Value::Null).await.ok();
    publicly.clone().refresh().await.ok();
    here.registered(&here.service(), "registrations-have-their-own").await;
}

/// The audit lines of a stack on which somebody has asked for too many accounts.
pub async fn too_many_registrations() -> Vec<Value> {
    let limited = Limited::start();
    let app = limited.at([127, 0, 0, 5]);
    let register = async || {
        let body = json!({"user_id": app.fresh_name("ada"), "user_secret": PASSWORD});
        app.post(&app.service(), "/register", &body).await
    };
    let refused = limited.exhaust(register).await;
    let log = app.stack.log_until(&refused).await;
    lines_of(&log).into_iter().filter(|line| line["type"] == "audit").collect()
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

#[tokio::test]
async fn sign_ins_at_providers_are_counted_by_themselves() {
    let limited = Limited::start();
    let here = limited.at([127, 0, 0, 9]);
    let application = here.application(|application| {
        application.allowed_return_to = vec![BELIEVERS_END.to_owned()];
        application.delivery = TokenDelivery::Cookie;
    });
    let application = application.await;
    let path = format!("/oauth/{BELIEVER}?client_id={}&return_to={BELIEVERS_END}", application.id);
    let answer = limited.exhaust(async || here.send(here.request("GET", &path)).await).await;
    assert!(answer.headers.get("location").is_none());
    // What any page can make a browser do does not keep its owner from signing in.
    guess(&here, "nobody-of-that-name").await.problem(401, "invalid_credentials");
}
