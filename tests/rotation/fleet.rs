//! Whoever has keys in memory: instances of functions, and verifiers elsewhere that keep the published keys.

use std::time::Duration;

use functions::{
    authenticate::{self, SignIn},
    jwks, refresh,
    register::{self, Registration},
    token_info,
};
use lambda_http::{Body, http};
use serde_json::{Value, json};
use shared::{
    access_token::{Algorithm, Verifier},
    config::Config,
    gate::Gate,
    http::{Request, Response},
    issuer::Issuer,
    keyring::PublicRing,
    problem::Problem,
    store::Store,
    world::{Timestamp, World},
};

use super::place::Place;
use crate::support::Clock;

/// One process of every function.
pub struct Instance {
    store: Store,
    config: Config,
    sign_in: SignIn,
    registration: Registration,
    issuer: Issuer,
    gate: Gate,
    published: PublicRing,
    clock: Clock,
    /// When Lambda replaces it.
    pub ends_at: Timestamp,
}

/// What a request was answered.
pub type Answer = Result<Value, Problem>;

impl Instance {
    pub async fn start(place: &Place, lasts: Duration) -> Self {
        let (store, config) = (place.store(), place.config());
        let (keys, clock) = (&store.signing_keys, &place.clock);
        let issuer = Issuer::load(&config, keys, clock).await.expect("keys");
        Self {
            sign_in: SignIn::new(place.config(), issuer),
            registration: Registration::new(place.config()),
            issuer: Issuer::load(&config, keys, clock).await.expect("keys"),
            gate: Gate::load(&config, &store, clock).await.expect("keys"),
            published: PublicRing::load(keys, clock).await.expect("keys"),
            clock: clock.clone(),
            ends_at: clock.now().plus(lasts),
            config,
            store,
        }
    }

    /// `POST /register`, then `POST /authenticate`.
    pub async fn sign_in(&self, api_key: &str, name: &str) -> Answer {
        let Store { applications, sessions, throttles, users, .. } = &self.store;
        let body = json!({"user_id": name, "user_secret": "three slate herons wade"});
        let request = post("/register", api_key, &body);
        register::handle(request, applications, users, throttles, &self.registration, &self.clock).await?;
        let request = post("/authenticate", api_key, &body);
        let answer =
            authenticate::handle(request, applications, users, sessions, throttles, &self.sign_in, &self.clock);
        Box::pin(answer).await.map(|answer| json_of(&answer))
    }

    /// `POST /refresh`.
    pub async fn refresh(&self, api_key: &str, refresh_token: &str) -> Answer {
        let Store { applications, sessions, users, .. } = &self.store;
        let request = post("/refresh", api_key, &json!({"refresh_token": refresh_token}));
        let cookies = self.config.cookies;
        let answer =
            refresh::handle(request, applications, sessions, users, &self.issuer, cookies, &self.clock).await?;
        if answer.status() == 200 { Ok(json_of(&answer)) } else { Err(Problem::InvalidGrant) }
    }

    /// `GET /token-info`.
    pub async fn token_info(&self, api_key: &str, access_token: &str) -> Answer {
        let request = request("GET", "/token-info", api_key).header("authorization", format!("Bearer {access_token}"));
        let request = Request::from(request.body(Body::Empty).expect("a request"));
        let answer = token_info::handle(request, &self.store.applications, &self.gate, &self.clock).await?;
        Ok(json_of(&answer))
    }

    /// Whether the token verifies, without a look at the session.
    pub async fn accepts(&self, token: &str) -> bool {
        self.gate.tokens.verify(token, None, self.clock.now()).await.expect("keys").is_some()
    }

    /// `GET /.well-known/jwks.json`.
    pub async fn jwks(&self) -> Value {
        json_of(&jwks::handle(&self.published, &self.clock).await.expect("keys"))
    }
}

fn request(method: &str, path: &str, api_key: &str) -> http::request::Builder {
    let uri = format!("https://auth.example.com/api/v1/auth{path}");
    http::Request::builder().method(method).uri(uri).header("api-key", api_key)
}

fn post(path: &str, api_key: &str, body: &Value) -> Request {
    let request = request("POST", path, api_key).header("content-type", "application/json");
    Request::from(request.body(Body::from(body.to_string())).expect("a request"))
}

fn json_of(answer: &Response) -> Value {
    serde_json::from_str(answer.body()).expect("JSON")
}

/// A verifier that keeps the published keys for as long as it may and never asks in between: the most awkward one.
pub struct Elsewhere {
    pub keeps_for: Duration,
    fetched: Option<(Timestamp, Verifier)>,
}

impl Elsewhere {
    pub const fn keeping_for(keeps_for: Duration) -> Self {
        Self { keeps_for, fetched: None }
    }

    /// Gets the keys from `instance` if its own are too old.
    pub async fn look(&mut self, instance: &Instance, issuer: &str, now: Timestamp) {
        let fresh = self.fetched.as_ref().is_some_and(|(at, _)| now.since(*at) < self.keeps_for);
        if !fresh {
            let jwks = instance.jwks().await;
            let keys = jwks["keys"].as_array().expect("keys").iter().map(|jwk| {
                let text = |name: &str| jwk[name].as_str().expect("text").to_owned();
                let algorithm = Algorithm::from_name(&text("alg")).expect("an algorithm");
                (text("kid"), algorithm, serde_json::from_value(jwk.clone()).expect("a key"))
            });
            self.fetched = Some((now, Verifier::new(issuer.to_owned(), keys).expect("keys")));
        }
    }

    pub fn accepts(&self, token: &str, issuer: &str, now: Timestamp) -> bool {
        self.fetched.as_ref().is_some_and(|(_, verifier)| verifier.verify(token, issuer, now).is_ok())
    }
}
