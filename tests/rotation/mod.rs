//! A month of rotations in simulated time, under constant traffic: the real handlers, stores and keyrings, several instances of
//! each, on an embedded DynamoDB that goes by the test's clock. Keys are replaced daily, every hour two rotations run at
//! once, some die half way, and some hours none runs.

mod fleet;
pub mod place;

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::atomic::{AtomicU32, Ordering},
    task::Poll,
    time::Duration,
};

use functions::rotate_keys;
use gatelet_client::VerifyError;
use serde_json::Value;
use shared::{
    access_token::{Algorithm, Claims, Signer},
    api_key::{ApiKey, KeyKind},
    application::{Application, StoredKey},
    config::Rotation,
    ids::ApplicationId,
    keyring::{PUBLISHED_FOR, RELOAD_AFTER},
    rotation::{KEPT_BY_API_GATEWAY, Key, State},
    store::{SigningKeys, Store},
    world::{Timestamp, World},
};

use fleet::{Elsewhere, Instance};
use place::Place;

const DAY: Duration = Duration::from_hours(24);
const HOUR: Duration = Duration::from_hours(1);
const DAYS: u64 = 30;

/// Somebody with a session. Of the access tokens that a key signed, the last is good for longest and stands for all.
struct Person {
    refresh_token: String,
    tokens: BTreeMap<String, Token>,
}

struct Token {
    text: String,
    expires_at: Timestamp,
}

impl Person {
    fn take(&mut self, answer: &Value, now: Timestamp) {
        let text = |name: &str| answer[name].as_str().expect("a token").to_owned();
        let lifetime = Duration::from_secs(answer["expires_in"].as_u64().expect("seconds"));
        self.refresh_token = text("refresh_token");
        let token = Token { text: text("access_token"), expires_at: now.plus(lifetime) };
        let header = token.text.split('.').next().expect("a header").to_owned();
        self.tokens.insert(header, token);
    }
}

/// A private key as a thief would have it: still there when the key is retired.
struct Stolen {
    signer: Signer,
    gone_at: Option<Timestamp>,
}

struct Month {
    place: Place,
    keys: SigningKeys,
    api_key: String,
    instances: Vec<Instance>,
    elsewhere: Vec<Elsewhere>,
    /// Another service, with the published client.
    service: gatelet_client::Verifier,
    people: Vec<Person>,
    stolen: BTreeMap<String, Stolen>,
    /// What the newest access token says.
    claims: Value,
    count: Count,
}

/// What happened, so that a month in which nothing did is noticed.
#[derive(Debug, Default)]
struct Count {
    signed: u64,
    refreshes: u32,
    accepted: u32,
    retired_refused: u32,
    died: u32,
    deleted: usize,
}

impl Month {
    async fn begin() -> Self {
        let place = Place::build(Rotation { algorithm: Algorithm::ES256, period: DAY }).await;
        let Store { applications, signing_keys: keys, .. } = place.store();
        rotate_keys::handle(&keys, place.rotation, &place.clock).await.expect("the first keys");

        let id = ApplicationId::random(&place.clock);
        let (api_key, hash) = ApiKey::generate(KeyKind::Publishable, id, &place.clock);
        let now = place.clock.now();
        let mut application = Application::new(id, "simulated".into(), now);
        application.access_lifetime = Application::MAX_ACCESS_LIFETIME;
        application.refresh.absolute = Application::MAX_ABSOLUTE_LIFETIME;
        application.keys.push(StoredKey { kind: KeyKind::Publishable, hash, created_at: now });
        applications.save(&application, None).await.expect("an application");

        let mut month = Self {
            keys,
            api_key: api_key.into_exposed(),
            instances: Vec::new(),
            elsewhere: [PUBLISHED_FOR, KEPT_BY_API_GATEWAY].map(Elsewhere::keeping_for).into(),
            service: crate::rust_client::verifier_at(&place).await,
            people: Vec::new(),
            stolen: BTreeMap::new(),
            claims: Value::Null,
            count: Count::default(),
            place,
        };
        for lasts in [HOUR * 5, HOUR * 7, DAY * 2] {
            month.instances.push(Instance::start(&month.place, lasts).await);
        }
        for name in ["ada", "grace", "edsger"] {
            let answer = Box::pin(month.instances[0].sign_in(&month.api_key, name)).await.expect("a sign-in");
            let mut person = Person { refresh_token: String::new(), tokens: BTreeMap::new() };
            person.take(&answer, month.now());
            month.people.push(person);
        }
        month
    }

    fn now(&self) -> Timestamp {
        self.place.clock.now()
    }

    /// A number below `bound`, by chance.
    fn chance(&self, bound: u32) -> u32 {
        u32::from_be_bytes(self.place.clock.random()) % bound
    }

    /// To the next moment at which something could go wrong: an hour and a half on average, and never past a key's change.
    async fn pass_time(&mut self) -> Vec<Key> {
        let keys = self.keys.list().await.expect("keys");
        let now = self.now();
        let changes = keys.iter().flat_map(|key| [Some(key.signs_from), key.expires_at]).flatten();
        let changes = changes.flat_map(|at| [at, at.plus(Duration::from_secs(1)), at.plus(RELOAD_AFTER)]);
        let before = now.plus(Duration::from_secs(u64::from(self.chance(10_800)) + 1));
        self.place.clock.set(changes.filter(|at| *at > now).chain([before]).min().unwrap_or(before));
        keys
    }

    /// Two at once, as a schedule may call; one of them may die at any point of its work.
    async fn rotate(&mut self) {
        let run = || rotate_keys::handle(&self.keys, self.place.rotation, &self.place.clock);
        let (mortal, whole) = tokio::join!(dying_after(self.chance(10), run()), run());
        self.count.died += u32::from(mortal.is_none());
        whole.expect("a rotation");
    }

    async fn replace_instances(&mut self) {
        for at in 0..self.instances.len() {
            if self.instances[at].ends_at <= self.now() {
                let lasts = HOUR * (self.chance(12) + 1);
                self.instances[at] = Instance::start(&self.place, lasts).await;
            }
        }
        let from = self.chance(3) as usize;
        let (issuer, now) = (self.place.config().issuer, self.now());
        for verifier in &mut self.elsewhere {
            verifier.look(&self.instances[from], &issuer, now).await;
        }
    }

    /// Somebody refreshes, and every token that is out is accepted everywhere.
    async fn traffic(&mut self) {
        let (now, config) = (self.now(), self.place.config());
        let (who, at) = (self.chance(3) as usize, self.chance(3) as usize);
        let answer = self.instances[at].refresh(&self.api_key, &self.people[who].refresh_token).await;
        let answer = answer.expect("a refresh");
        self.people[who].take(&answer, now);
        self.count.refreshes += 1;
        let newest = answer["access_token"].as_str().expect("a token");
        self.claims = self.instances[at].token_info(&self.api_key, newest).await.expect("a live token");

        for person in &mut self.people {
            person.tokens.retain(|_, token| token.expires_at > now);
            for Token { text: token, .. } in person.tokens.values() {
                for (at, instance) in self.instances.iter().enumerate() {
                    assert!(instance.accepts(token).await, "instance {at} refused a valid token at {now}");
                }
                for verifier in &self.elsewhere {
                    let kept = verifier.keeps_for;
                    assert!(verifier.accepts(token, &config.audience, now), "refused at {now} elsewhere ({kept:?})");
                }
                assert!(self.service.verify(token).await.is_ok(), "refused at {now} by the client");
                self.count.accepted += 1;
            }
        }
    }

    /// Takes a copy of each private key in force, and tries those that are retired.
    async fn thief(&mut self, keys: &[Key]) {
        let now = self.now();
        let current = keys.iter().find(|key| key.purpose.is_signing() && key.state(keys, now) == State::InForce);
        if let Some(key) = current.filter(|key| !self.stolen.contains_key(&key.id)) {
            let signer = self.keys.signer(now).await.expect("a key");
            self.stolen.insert(key.id.clone(), Stolen { signer, gone_at: None });
            self.count.signed += 1;
        }
        for (id, stolen) in &mut self.stolen {
            match keys.iter().find(|key| key.id == *id) {
                Some(key) => stolen.gone_at = key.expires_at,
                None => {
                    assert!(stolen.gone_at.is_some_and(|end| end.plus(DAY) <= now), "{id} vanished before its time");
                }
            }
        }
        // After that nothing changes any more.
        self.stolen.retain(|_, stolen| stolen.gone_at.is_none_or(|end| now < end.plus(DAY)));
        let claims: Claims = serde_json::from_value(self.claims.clone()).expect("claims");
        for stolen in self.stolen.values() {
            let retired = |late| stolen.gone_at.is_some_and(|end| end.plus(late) <= now);
            if !retired(RELOAD_AFTER) {
                continue;
            }
            let forged = stolen.signer.sign(&claims).expect("a token");
            for instance in &self.instances {
                assert!(!instance.accepts(forged.expose()).await, "a retired key's token was accepted at {now}");
            }
            for verifier in self.elsewhere.iter().filter(|verifier| retired(RELOAD_AFTER + verifier.keeps_for)) {
                assert!(!verifier.accepts(forged.expose(), &self.place.config().audience, now), "elsewhere at {now}");
            }
            if retired(RELOAD_AFTER + gatelet_client::FRESH_FOR) {
                let verdict = self.service.verify(forged.expose()).await;
                assert!(matches!(verdict, Err(VerifyError::Invalid(_))), "by the client at {now}: {verdict:?}");
            }
            self.count.retired_refused += 1;
        }
    }
}

/// What `work` came to, unless it dies before: it is not polled more than `polls` times.
async fn dying_after<T>(polls: u32, work: impl Future<Output = T>) -> Option<T> {
    let mut work = Box::pin(work);
    let mut left = polls;
    poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(context).map(Some)
    })
    .await
}

static EVENTS: AtomicU32 = AtomicU32::new(0);

/// Keeps what handlers log in this process off the terminal. A process has one log, and so the first to ask decides.
pub fn count_events() {
    shared::log::take(|_| {
        EVENTS.fetch_add(1, Ordering::Relaxed);
    });
}

#[tokio::test]
async fn a_month_of_rotations_refuses_no_valid_token_and_accepts_no_retired_key() {
    count_events();
    let mut month = Box::pin(Month::begin()).await;
    let start = month.now();
    let mut rotated_at = start;
    while month.now() < start.plus(DAY * 30) {
        let keys = month.pass_time().await;
        let now = month.now();
        month.place.rotation.algorithm = match now.since(start).as_secs() / DAY.as_secs() {
            0..10 => Algorithm::ES256,
            10..20 => Algorithm::RS256,
            _ => Algorithm::EdDSA,
        };
        if now.since(rotated_at) >= HOUR {
            rotated_at = now;
            if month.chance(8) > 0 {
                Box::pin(month.rotate()).await;
            }
        }
        month.replace_instances().await;
        Box::pin(month.traffic()).await;
        month.thief(&keys).await;
        month.count.deleted += month.place.collect_garbage();
        let pairs = keys.iter().filter(|key| key.purpose.is_signing()).count();
        assert!(pairs <= 8, "{pairs} pairs at {now}");
    }

    let keys = month.keys.list().await.expect("keys");
    let seals = keys.iter().filter(|key| !key.purpose.is_signing()).count() as u64;
    println!("{:?}, {seals} seals", month.count);
    assert!((DAYS..=DAYS + 2).contains(&seals), "one a day, whatever ran at once or died: {seals}");
    assert!((DAYS..=DAYS + 3).contains(&month.count.signed), "{:?}", month.count);
    assert!(EVENTS.load(Ordering::Relaxed) > month.count.refreshes, "each refresh is an event");
    assert!(month.count.died > 30 && month.count.retired_refused > 300 && month.count.deleted > 20);
}
