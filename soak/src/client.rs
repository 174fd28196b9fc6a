//! One virtual client: a device with one session.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::{
    sync::Semaphore,
    time::{Instant, sleep},
};

use crate::{
    Habits, chance,
    count::{Count, add},
    stack::Ready,
};

const PASSWORD: &str = "seven ochre windmills hum";
/// How often a client signs out and in again, and how often another tab uses the token that it has just replaced.
const SIGNS_OUT: f64 = 0.01;
const SHARES: f64 = 0.1;

/// Clients that ask each function before the clock starts: an instance takes more memory once it has served a request.
const WARM: usize = 4;

/// How often a request is sent again that is answered 503, and how long after: what `Retry-After` says.
const PATIENCE: u32 = 30;
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Which session a client has now: its user and its id.
pub(crate) type Session = Arc<Mutex<(String, String)>>;

pub(crate) struct Client {
    name: String,
    habits: Habits,
    ready: Ready,
    http: reqwest::Client,
    count: Arc<Count>,
    sign_ins: Arc<Semaphore>,
    session: Session,
    access_token: String,
    refresh_token: String,
}

/// A status and a body; no status if the connection failed.
type Answer = (u16, Value);

impl Client {
    /// Registers and signs in.
    pub(crate) async fn arrive(
        number: usize,
        habits: Habits,
        ready: Ready,
        count: Arc<Count>,
        sign_ins: Arc<Semaphore>,
    ) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client can be built");
        let (session, access_token, refresh_token) = Default::default();
        let name = format!("soak-{number}");
        let mut client = Self { name, habits, ready, http, count, sign_ins, session, access_token, refresh_token };
        let turn = Arc::clone(&client.sign_ins).acquire_owned().await;
        let (status, body) = client.send(client.post("/register", &client.credentials())).await;
        // 409: it was answered 503 before, and had been done. The sign-in shows that the account is whole.
        assert!(matches!(status, 201 | 409), "{status} {body}");
        drop(turn);
        client.sign_in().await;
        if number < WARM {
            client.refresh().await;
            client.sign_out_and_in().await;
        }
        client
    }

    pub(crate) fn session(&self) -> Session {
        Arc::clone(&self.session)
    }

    /// Refreshes until `end`, with time to think in between.
    pub(crate) async fn live(mut self, end: Instant) {
        loop {
            sleep(self.habits.think.mul_f64(0.5 + chance())).await;
            if Instant::now() >= end {
                return;
            }
            if chance() < SIGNS_OUT {
                self.sign_out_and_in().await;
            } else {
                self.refresh().await;
            }
        }
    }

    async fn refresh(&mut self) {
        let before = self.refresh_token.clone();
        let copies = if chance() < self.habits.duplicated { 2 } else { 1 };
        if copies > 1 {
            add(&self.count.duplicates);
        }
        let mut answers = join_all((0..copies).map(|_| self.refresh_with(&before))).await;
        while chance() < self.habits.lost {
            add(&self.count.lost);
            self.notice_late_or_at_once().await;
            answers = vec![self.refresh_with(&before).await];
        }
        for answer in &answers {
            self.keep(answer);
        }
        if chance() < SHARES && self.refresh_token != before {
            add(&self.count.shared);
            sleep(self.habits.grace.mul_f64(chance() / 2.0)).await;
            let answer = self.refresh_with(&before).await;
            self.keep(&answer);
            answers.push(answer);
        }
        if answers.iter().any(|(status, _)| *status == 401) {
            add(&self.count.false_logouts);
            self.sign_in().await;
            return;
        }
        self.check().await;
    }

    /// Whoever gets no answer sends the same token again: half of the clients at once, half when the window has closed, which is
    /// what recovery is for.
    async fn notice_late_or_at_once(&self) {
        if chance() < 0.5 {
            add(&self.count.late);
            sleep(self.habits.grace + Duration::from_secs(1) + Duration::from_secs(2).mul_f64(chance())).await;
        }
    }

    /// The access token is good.
    async fn check(&self) {
        let (status, _) = self.send(self.request(Method::GET, "/token-info").bearer_auth(&self.access_token)).await;
        match status {
            200 => {}
            401 => add(&self.count.wrong),
            _ => add(&self.count.strange),
        }
    }

    async fn sign_out_and_in(&mut self) {
        add(&self.count.sign_outs);
        let (status, _) = self.send(self.request(Method::DELETE, "/logout").bearer_auth(&self.access_token)).await;
        if status == 200 {
            let (after, _) = self.refresh_with(&self.refresh_token).await;
            if after == 200 {
                add(&self.count.wrong);
            }
        } else {
            add(&self.count.strange);
        }
        self.sign_in().await;
    }

    async fn sign_in(&mut self) {
        let _turn = Arc::clone(&self.sign_ins).acquire_owned().await;
        self.refresh_token = String::new();
        while self.refresh_token.is_empty() {
            let answer = self.send(self.post("/authenticate", &self.credentials())).await;
            if answer.0 != 200 {
                add(&self.count.strange);
                sleep(Duration::from_secs(1)).await;
            }
            self.keep(&answer);
        }
        let claims = self.access_token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let claims: Value = serde_json::from_slice(&claims.expect("a JWT")).expect("claims");
        let text = |name: &str| claims[name].as_str().unwrap_or_default().to_owned();
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = (text("sub"), text("sid"));
    }

    async fn refresh_with(&self, token: &str) -> Answer {
        let started = Instant::now();
        let answer = self.send(self.post("/refresh", &json!({"refresh_token": token}))).await;
        self.count.took(started.elapsed());
        match answer.0 {
            200 | 401 => add(&self.count.refreshes),
            _ => add(&self.count.strange),
        }
        answer
    }

    /// Of two answers that arrive together, the newer token counts.
    fn keep(&mut self, (_, body): &Answer) {
        if let (Some(access), Some(refresh)) = (body["access_token"].as_str(), body["refresh_token"].as_str()) {
            access.clone_into(&mut self.access_token);
            if position(refresh) >= position(&self.refresh_token) || self.refresh_token.is_empty() {
                refresh.clone_into(&mut self.refresh_token);
            }
        }
    }

    /// Sends it again as long as the answer is 503.
    async fn send(&self, request: RequestBuilder) -> Answer {
        for _ in 0..PATIENCE {
            let answer = self.send_once(request.try_clone().expect("a body that can be sent twice")).await;
            if answer.0 != 503 {
                return answer;
            }
            sleep(RETRY_AFTER).await;
        }
        self.send_once(request).await
    }

    async fn send_once(&self, request: RequestBuilder) -> Answer {
        add(&self.count.requests);
        let Ok(answer) = request.send().await else { return (0, Value::Null) };
        let status = answer.status().as_u16();
        if status == 503 {
            add(&self.count.unavailable);
        }
        let body = answer.bytes().await.unwrap_or_default();
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/v1/auth{path}", self.ready.base_url);
        // A server that signs people in, which is not throttled by its address.
        self.http.request(method, url).header("api-key", &self.ready.applications["service"].secret_key)
    }

    fn post(&self, path: &str, body: &Value) -> RequestBuilder {
        self.request(Method::POST, path).header("content-type", "application/json").body(body.to_string())
    }

    fn credentials(&self) -> Value {
        json!({"user_id": self.name, "user_secret": PASSWORD})
    }
}

/// Generation and branch of a refresh token, which stand after version, key, user and session.
fn position(token: &str) -> Option<Vec<u8>> {
    let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix("gl_rt_")?).ok()?;
    bytes.get(37..42).map(<[u8]>::to_vec)
}
