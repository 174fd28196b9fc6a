//! DynamoDB throttled, slow, broken or gone, on a stack of its own.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use tokio::{join, sync::Barrier};

use crate::support::{Answer, App, Fault, Options, PASSWORD, Person, Proxy, SLOW, Stack, most_under_way};

/// The function's timeout: 2 s beyond its budget for a request, for a busy machine. The API's own limit is 30 s.
const BUDGET: Duration = Duration::from_secs(10);

/// All calls at once. `tests/faults` breaks them one by one, in more ways.
const FAULTS: [Fault; 3] = [Fault::Hang, Fault::CutBefore, Fault::CutAfter];

struct Outage {
    app: App,
    proxy: Proxy,
}

impl Outage {
    fn prepare() -> Self {
        let proxy = Proxy::start(&Stack::shared().ready.dynamodb_endpoint);
        let options = Options { endpoint: Some(&proxy.endpoint), ..Options::default() };
        Self { app: App::on(Stack::private(&options)), proxy }
    }

    /// The answer of `action` while DynamoDB has `fault`, which comes in time.
    async fn in_time<T>(&self, fault: Fault, action: impl Future<Output = T>) -> T {
        self.proxy.set(fault);
        let started = Instant::now();
        let answer = action.await;
        let took = started.elapsed();
        self.proxy.set(Fault::None);
        assert!(took < BUDGET, "{fault:?}: {took:?}");
        answer
    }

    /// What an application asks with its secret key.
    async fn form(&self, path: &str, token: &str) -> Answer {
        let request = self.app.request("POST", path).header("api-key", self.app.service().secret_key);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.app.send(request.body(format!("token={token}"))).await
    }
}

/// Stories that are told during one fault at the same time.
struct Phase<'a> {
    outage: &'a Outage,
    app: &'a App,
    fault: Fault,
    all: Barrier,
}

impl<'a> Phase<'a> {
    fn new(outage: &'a Outage, fault: Fault, stories: usize) -> Self {
        Self { outage, app: &outage.app, fault, all: Barrier::new(stories) }
    }

    /// Does `action` while DynamoDB has the fault, which it has for all stories together, and checks that the answer admits
    /// it in time.
    async fn during(&self, action: impl Future<Output = Answer>) {
        let fault = self.fault;
        self.everybody_sees(fault).await;
        let started = Instant::now();
        let answer = action.await;
        let took = started.elapsed();
        self.everybody_sees(Fault::None).await;
        assert_eq!(answer.status, 503, "{fault:?}: {}", answer.text);
        assert_eq!(answer.header("retry-after"), "1", "{fault:?}");
        assert!(answer.cookies().is_empty(), "{fault:?}: an outage ends no session");
        assert!(took < BUDGET, "{fault:?}: {took:?}");
    }

    async fn everybody_sees(&self, fault: Fault) {
        if self.all.wait().await.is_leader() {
            self.outage.proxy.set(fault);
        }
        self.all.wait().await;
    }
}

/// One stack, one fault at a time, and one request to each function during it.
#[tokio::test]
async fn an_outage_is_admitted_in_time_and_loses_nothing() {
    let outage = Outage::prepare();
    for fault in FAULTS {
        let phase = Phase::new(&outage, fault, 9);
        join!(
            a_refresh_can_be_sent_again(&phase),
            a_sign_in_can_be_sent_again(&phase),
            a_registration_is_whole_or_not_at_all(&phase),
            an_ending_can_be_sent_again(&phase),
            nobody_is_called_a_stranger(&phase, "/token-info"),
            nobody_is_called_a_stranger(&phase, "/whoami"),
            nobody_is_called_a_stranger(&phase, "/sessions"),
            an_application_is_told_as_oauth_tells(&phase, "/introspect"),
            an_application_is_told_as_oauth_tells(&phase, "/revoke"),
        );
        let phase = Phase::new(&outage, fault, 2);
        join!(a_browser_keeps_its_cookies(&phase), an_ending_everywhere_can_be_sent_again(&phase));
    }
    what_needs_no_store_goes_on(&outage).await;
    an_instance_that_starts_now_says_the_same(&outage).await;
    a_guarded_route_fails_and_says_why(&outage).await;
    slowness_is_borne_or_admitted(&outage).await;
    several_instances_serve_at_once(&outage).await;
}

async fn ada(app: &App) -> Person {
    app.signed_in(&app.service(), "ada").await
}

async fn a_refresh_can_be_sent_again(phase: &Phase<'_>) {
    let mut ada = ada(phase.app).await;
    phase.during(ada.refresh_and_lose_the_answer()).await;
    ada.refresh().await.ok();
    ada.refresh().await.ok();
    ada.token_info().await.ok();
}

async fn a_sign_in_can_be_sent_again(phase: &Phase<'_>) {
    let mut ada = ada(phase.app).await;
    let mut again = ada.clone();
    phase.during(again.sign_in()).await;
    ada.sign_in().await.ok();
}

async fn a_registration_is_whole_or_not_at_all(phase: &Phase<'_>) {
    let app = phase.app;
    let credentials = json!({"user_id": app.fresh_name("ada"), "user_secret": PASSWORD});
    phase.during(app.post(&app.service(), "/register", &credentials)).await;

    // Only if the answer alone was lost may the name be taken, and then the account is whole.
    let registered = app.post(&app.service(), "/register", &credentials).await.status;
    assert!(
        registered == 201 || (registered == 409 && phase.fault == Fault::CutAfter),
        "{:?}: {registered}",
        phase.fault
    );
    app.post(&app.service(), "/authenticate", &credentials).await.ok();
}

async fn an_ending_can_be_sent_again(phase: &Phase<'_>) {
    let ada = ada(phase.app).await;
    phase.during(ada.log_out()).await;
    ada.log_out().await.ok();
    ada.token_info().await.problem(401, "invalid_token");
}

async fn an_ending_everywhere_can_be_sent_again(phase: &Phase<'_>) {
    let ada = ada(phase.app).await;
    phase.during(ada.ask("DELETE", "/sessions")).await;
    ada.token_info().await.ok();
    ada.ask("DELETE", "/sessions").await.ok();
    ada.token_info().await.problem(401, "invalid_token");
}

async fn an_application_is_told_as_oauth_tells(phase: &Phase<'_>, path: &str) {
    let ada = ada(phase.app).await;
    let told = async || {
        let answer = phase.outage.form(path, &ada.refresh_token).await;
        assert_eq!(answer.header("content-type"), "application/json", "{path}");
        assert_eq!(answer.body()["error"], "temporarily_unavailable", "{path}: {}", answer.text);
        answer
    };
    phase.during(told()).await;
    let answer = phase.outage.form(path, &ada.refresh_token).await.ok();
    assert_eq!(answer.body()["active"], if path == "/introspect" { json!(true) } else { json!(null) });
    ada.token_info().await.status(if path == "/introspect" { 200 } else { 401 });
}

/// Every call takes longer than a whole request usually does, and less than the store waits for one.
async fn slowness_is_borne_or_admitted(outage: &Outage) {
    let app = &outage.app;
    let borne = |answer: &Answer| {
        let admitted = answer.status == 503 && answer.header("retry-after") == "1";
        assert!(answer.status < 300 || admitted, "{}: {}", answer.status, answer.text);
    };
    let mut ada = ada(&outage.app).await;
    let (mut again, tab) = (ada.clone(), ada.clone());
    let credentials = json!({"user_id": app.fresh_name("ada"), "user_secret": PASSWORD});
    let slow = Fault::Slow;
    borne(&outage.in_time(slow, ada.refresh_and_lose_the_answer()).await);
    borne(&outage.in_time(slow, again.sign_in()).await);
    borne(&outage.in_time(slow, app.post(&app.service(), "/register", &credentials)).await);
    borne(&outage.in_time(slow, outage.form("/introspect", &ada.refresh_token)).await);
    borne(&outage.in_time(slow, ada.token_info()).await);
    ada.refresh().await.ok();
    assert_eq!(tab.refresh_and_lose_the_answer().await.ok().text_of("refresh_token"), ada.refresh_token);
    borne(&outage.in_time(slow, ada.ask("DELETE", "/sessions")).await);
    borne(&outage.in_time(slow, outage.form("/revoke", &ada.refresh_token)).await);
}

/// One instance has at most its own two calls under way. The first time is for the instances to start.
async fn several_instances_serve_at_once(outage: &Outage) {
    const REQUESTS: u32 = 5;
    let ada = ada(&outage.app).await;
    let together = async || {
        for answer in join_all((0..REQUESTS).map(|_| ada.whoami())).await {
            answer.ok();
        }
    };
    outage.in_time(Fault::Slow, together()).await;
    outage.proxy.take_calls();
    let started = Instant::now();
    outage.in_time(Fault::Slow, together()).await;
    let took = started.elapsed();
    assert!(took < SLOW * (REQUESTS - 1), "one after the other would take {:?}, not {took:?}", SLOW * REQUESTS);
    let under_way = most_under_way(&outage.proxy.take_calls());
    assert!(under_way > 4, "{under_way} calls of {REQUESTS} requests were under way together");
}

async fn nobody_is_called_a_stranger(phase: &Phase<'_>, path: &str) {
    let ada = ada(phase.app).await;
    phase.during(ada.ask("GET", path)).await;
    ada.ask("GET", path).await.ok();
}

async fn a_browser_keeps_its_cookies(phase: &Phase<'_>) {
    let app = phase.app;
    let origin = "http://localhost:5173";
    let from_page = |path: &str| {
        let request = app.request("POST", path).header("api-key", app.web().publishable_key).header("origin", origin);
        request.header("content-type", "application/json")
    };
    let ada = app.registered(&app.web(), "ada").await;
    let credentials = json!({"user_id": ada.user_id, "user_secret": PASSWORD}).to_string();
    let signed_in = app.send(from_page("/authenticate").body(credentials)).await.ok();
    let cookie = format!("refresh_token={}", signed_in.cookie_value("refresh_token"));
    let refresh = || app.send(from_page("/refresh").header("cookie", &cookie));

    phase.during(refresh()).await;
    assert_eq!(refresh().await.ok().cookies().len(), 2);
}

/// Requests that overlap make new instances start, which find no keys. They say so like any other, and get keys later:
/// only an instance without keys asks for them, because the others' are not old enough.
async fn an_instance_that_starts_now_says_the_same(outage: &Outage) {
    let ada = ada(&outage.app).await;
    let together = || join_all((0..8).map(|_| ada.token_info()));
    for answer in outage.in_time(Fault::CutBefore, together()).await {
        answer.problem(503, "temporarily_unavailable");
    }
    outage.proxy.take_calls();
    for answer in together().await {
        answer.ok();
    }
    let keys = &outage.app.stack.ready.tables["signing_keys"];
    let calls = outage.proxy.take_calls();
    let without_keys = calls.iter().filter(|call| call.tables.contains(keys)).count();
    assert!(without_keys > 1, "{without_keys} instances had started during the outage");
}

/// The authorizer can't say, so nobody passes, nobody is called a stranger, and the log tells why.
async fn a_guarded_route_fails_and_says_why(outage: &Outage) {
    let app = &outage.app;
    let ada = ada(&outage.app).await;
    let orders = || app.send(app.client.get(app.url("/orders")).bearer_auth(&ada.access_token));
    orders().await.ok();
    outage.proxy.set(Fault::CutBefore);
    orders().await.status(500);
    outage.proxy.set(Fault::None);
    orders().await.ok();
    let told = |line: &str| line.contains(r#""type":"error""#) && line.contains(r#""route":"GET /orders""#);
    app.stack.log_with("why the guarded route failed", |log| log.lines().any(told)).await;
}

async fn what_needs_no_store_goes_on(outage: &Outage) {
    let app = &outage.app;
    let key = app.service();
    app.get(&key, "/whoami").await.ok();
    outage.proxy.set(Fault::CutBefore);
    app.get(&key, "/.well-known/jwks.json").await.ok();
    app.get(&key, "/.well-known/openid-configuration").await.ok();
    app.get(&key, "/whoami").await.ok();
    outage.proxy.set(Fault::None);
}
