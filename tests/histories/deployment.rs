//! One instance of each function behind the gate, and four applications.

use std::{rc::Rc, time::Duration};

use functions::{logout, refresh, rotate_keys, sessions};
use lambda_http::{Body, http};
use serde_json::{Value, json};
use shared::{
    access_token::Algorithm,
    api_key::{ApiKey, KeyKind},
    application::{Application, StoredKey},
    config::Rotation,
    gate::Gate as TokenGate,
    http::{Request, Response},
    ids::{ApplicationId, UserKey},
    issuer::Issuer,
    keyring::SealingRing,
    password::PasswordHash,
    problem::Problem,
    session::{Device, Method, Session},
    store::Store,
    user::{Status, User},
    world::{Timestamp, World},
};

use super::{
    gate::Gate,
    reference::{Said, Wish},
};
use crate::{rotation::place::Place, support::Clock};

/// Short, so that a history meets its edges.
pub const GRACE: u64 = 30;
pub const IDLE: u64 = 300;
pub const ABSOLUTE: u64 = 900;

/// What the handlers take.
pub struct Deployment {
    pub gate: Gate,
    pub clock: Clock,
    pub store: Store,
    pub applications: Vec<(Application, String)>,
    issuer: Issuer,
    sealing: SealingRing,
    tokens: TokenGate,
    start: Timestamp,
    place: Place,
}

/// What a request was answered.
pub struct Answered {
    pub said: Result<Said, String>,
    /// A new access token, and when it expires.
    pub access: Option<(String, Timestamp)>,
    /// A new refresh token.
    pub refresh: Option<String>,
}

impl Deployment {
    pub async fn build() -> Rc<Self> {
        let place = Place::build(Rotation { algorithm: Algorithm::ES256, period: Duration::from_hours(24) }).await;
        let gate = Gate::before(place.database.clone());
        let (config, clock) = (place.config(), place.clock.clone());
        let store = Store::new(&gate.client(), &config.tables);
        rotate_keys::handle(&store.signing_keys, place.rotation, &clock).await.expect("keys");
        let mut applications = Vec::new();
        for (rotation, grace, recovery) in
            [(true, GRACE, true), (true, 0, false), (true, GRACE, false), (false, GRACE, true)]
        {
            let id = ApplicationId::random(&clock);
            let (key, hash) = ApiKey::generate(KeyKind::Publishable, id, &clock);
            let mut application = Application::new(id, "history".into(), clock.now());
            application.refresh.rotation = rotation;
            application.refresh.grace = Duration::from_secs(grace);
            application.refresh.recovery = recovery;
            application.refresh.idle = Duration::from_secs(IDLE);
            application.refresh.absolute = Duration::from_secs(ABSOLUTE);
            application.keys.push(StoredKey { kind: KeyKind::Publishable, hash, created_at: clock.now() });
            store.applications.save(&application, None).await.expect("an application");
            applications.push((application, key.into_exposed()));
        }
        Rc::new(Self {
            issuer: Issuer::load(&config, &store.signing_keys, &clock).await.expect("keys"),
            sealing: SealingRing::load(&store.signing_keys, &clock).await.expect("keys"),
            tokens: TokenGate::load(&config, &store, &clock).await.expect("keys"),
            start: clock.now(),
            applications,
            gate,
            clock,
            store,
            place,
        })
    }

    /// A new user with a session, put there as signing in does, but without a password.
    pub async fn sign_in(&self, application: usize) -> (Session, Answered) {
        self.clock.set(self.start);
        let key = UserKey::random(&self.clock);
        let hash = PasswordHash::from_stored("none".into());
        let user = User::named(key, key.to_string(), hash, self.start);
        assert!(self.store.users.register(&user, &self.clock).await.expect("the store answers"));
        let application = &self.applications[application].0;
        let session = Session::begin(&user, Method::Password, application, Device::default(), &self.clock, self.start);
        self.store.sessions.begin(&session).await.expect("a session");
        let tokens = self.issuer.issue(&session, &user, application, self.start, &self.clock).await.expect("tokens");
        let (refresh, _) = tokens.refresh.expect("a refresh token");
        let access = (tokens.access.into_exposed(), self.start.plus(tokens.access_lifetime));
        let said = Ok(Said::Tokens(Some(session.refresh_token())));
        (session, Answered { said, access: Some(access), refresh: Some(refresh.into_exposed()) })
    }

    /// Runs a request to its end.
    pub async fn run(self: Rc<Self>, user: UserKey, wish: Wish, token: String, application: usize) -> Answered {
        let key = &self.applications[application].1;
        let Store { applications, sessions, users, .. } = &self.store;
        let body = json!({"refresh_token": token});
        let begun = self.clock.now();
        let answer = match wish {
            Wish::Refresh(..) => {
                let request = request("POST", "/refresh", key, Some(&body), None);
                let cookies = self.place.config().cookies;
                refresh::handle(request, applications, sessions, users, &self.issuer, cookies, &self.clock).await
            }
            Wish::Logout(..) => {
                let request = request("POST", "/logout", key, Some(&body), None);
                logout::handle(request, applications, sessions, &self.tokens.tokens, &self.sealing, &self.clock).await
            }
            Wish::EndAll => {
                let request = request("DELETE", "/sessions", key, None, Some(&token));
                sessions::handle(request, applications, &self.tokens, &self.clock).await
            }
            // As `gatelet user disable` does.
            Wish::SetActive(active) => {
                let user = users.find(user).await.expect("the store").expect("a user");
                let status = if active { Status::Active } else { Status::Disabled };
                users.set_status(&user, status).await.expect("the store");
                return Answered { said: Ok(Said::Done), access: None, refresh: None };
            }
        };
        self.read(answer, begun).await
    }

    async fn read(&self, answer: Result<Response, Problem>, begun: Timestamp) -> Answered {
        let mut answered = Answered { said: Ok(Said::Refused), access: None, refresh: None };
        match answer {
            Ok(response) if response.status() == 200 => {
                let body: Value = serde_json::from_str(response.body()).expect("JSON");
                let text = |name: &str| body[name].as_str().map(str::to_owned);
                let lifetime = Duration::from_secs(body["expires_in"].as_u64().unwrap_or_default());
                answered.access = text("access_token").map(|token| (token, begun.plus(lifetime)));
                answered.refresh = text("refresh_token");
                let opened = match &answered.refresh {
                    // As of the beginning: it may have expired before it was answered.
                    Some(token) => self.sealing.open(token, self.start).await.expect("keys"),
                    None => None,
                };
                answered.said = Ok(if body["revoked"] == true { Said::Done } else { Said::Tokens(opened) });
            }
            Ok(response) if response.status() == 401 => {}
            Err(Problem::InvalidGrant | Problem::InvalidToken(_)) => {}
            Err(Problem::Unavailable(_)) => answered.said = Ok(Said::Unavailable),
            Ok(response) => answered.said = Err(format!("answered {}", response.status())),
            Err(problem) => answered.said = Err(format!("{problem:?}")),
        }
        answered
    }
}

fn request(method: &str, path: &str, key: &str, body: Option<&Value>, bearer: Option<&str>) -> Request {
    let uri = format!("https://auth.example.com/api/v1/auth{path}");
    let mut request = http::Request::builder().method(method).uri(uri).header("api-key", key);
    if let Some(token) = bearer {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let body = match body {
        Some(body) => {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        }
        None => Body::Empty,
    };
    Request::from(request.body(body).expect("a request"))
}
