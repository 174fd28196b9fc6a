//! What each endpoint costs: its calls to DynamoDB, counted on the wire, held to the budget.
//!
//! Units are those that DynamoDB reports (`ReturnConsumedCapacity`). The instance is warm: keys are loaded in its init, and the
//! application's record is remembered for a minute.

mod providers;

use reqwest::{Client, RequestBuilder, redirect::Policy};
use serde_json::json;
use shared::{
    refresh_token::RefreshToken,
    world::{System, Timestamp, World},
};

use crate::support::{
    App, BELIEVERS_SECRET, Call, Fault, Options, PASSWORD, Person, Proxy, Stack, believer, round_trips,
};

/// What an operation may cost.
struct Budget {
    operations: Vec<&'static str>,
    round_trips: usize,
    read_units: f64,
    write_units: f64,
}

fn budget(operations: &[&'static str], round_trips: usize, read_units: f64, write_units: f64) -> Budget {
    Budget { operations: operations.to_vec(), round_trips, read_units, write_units }
}

/// A stack whose calls can be counted because nobody else uses it.
struct Ledger {
    app: App,
    proxy: Proxy,
    failures: Vec<String>,
}

impl Ledger {
    async fn open() -> Self {
        let proxy = Proxy::start(&Stack::shared().ready.dynamodb_endpoint);
        let arguments = ["--parameter", &believer().await];
        let environment = [BELIEVERS_SECRET];
        let endpoint = Some(proxy.endpoint.as_str());
        let mut app = App::on(Stack::private(&Options {
            arguments: &arguments,
            environment: &environment,
            endpoint,
            ..Options::default()
        }));
        // What sends a browser on is an answer like any other.
        app.client = Client::builder().no_proxy().redirect(Policy::none()).build().expect("a client");
        Self { app, proxy, failures: Vec::new() }
    }

    /// Sends the same kind of request twice, the first time to warm the instance up, and enters what the second cost.
    async fn enter(&mut self, name: &str, budget: Budget, warm: RequestBuilder, counted: RequestBuilder) {
        let (client, counted) = counted.build_split();
        let counted = counted.expect("a request");
        self.proxy.take_calls();
        self.app.send(warm).await;
        self.proxy.take_calls();

        self.proxy.set(Fault::Held);
        let answer = client.execute(counted).await.expect("the stack answers");
        self.proxy.set(Fault::None);
        let well = answer.status().is_success() || answer.status().is_redirection();
        assert!(well || name.contains("refused"), "{name}: {}", answer.status());
        let calls = self.proxy.take_calls();
        let mut operations: Vec<_> = calls.iter().map(|call| call.operation.as_str()).collect();
        operations.sort_unstable();
        let total = |units: fn(&Call) -> f64| calls.iter().map(units).sum::<f64>();
        let (reads, writes) = (total(|call| call.read_units), total(|call| call.write_units));
        let trips = round_trips(&calls);

        println!("{name:34} {trips} round trips {reads:4} RRU {writes:4} WRU  {}", operations.join(" "));
        let within = operations == budget.operations
            && trips <= budget.round_trips
            && reads <= budget.read_units
            && writes <= budget.write_units;
        if !within {
            self.failures.push(format!("{name}: {trips} round trips, {reads} RRU, {writes} WRU, {operations:?}"));
        }
    }

    fn post(&self, key: &str, path: &str, body: &serde_json::Value) -> RequestBuilder {
        let request = self.app.request("POST", path).header("api-key", key);
        request.header("content-type", "application/json").body(body.to_string())
    }

    fn form(&self, path: &str, token: &str) -> RequestBuilder {
        let request = self.app.request("POST", path).header("api-key", self.app.service().secret_key);
        request.header("content-type", "application/x-www-form-urlencoded").body(format!("token={token}"))
    }

    fn bearer(&self, person: &Person, method: &str, path: &str) -> RequestBuilder {
        let request = self.app.request(method, path).header("api-key", &person.application.publishable_key);
        request.bearer_auth(&person.access_token)
    }
}

#[tokio::test]
async fn every_endpoint_keeps_its_budget() {
    let mut ledger = Ledger::open().await;
    accounts(&mut ledger).await;
    refreshes(&mut ledger).await;
    checks(&mut ledger).await;
    endings(&mut ledger).await;
    providers::enter(&mut ledger).await;
    assert!(ledger.failures.is_empty(), "over budget:\n{}", ledger.failures.join("\n"));
}

async fn accounts(ledger: &mut Ledger) {
    let key = ledger.app.service().publishable_key;
    let register = |ledger: &Ledger| {
        let body = json!({"user_id": ledger.app.fresh_name("ledger"), "user_secret": PASSWORD});
        ledger.post(&key, "/register", &body)
    };
    let (warm, counted) = (register(ledger), register(ledger));
    ledger.enter("register", budget(&["TransactWriteItems", "UpdateItem"], 2, 0.0, 5.0), warm, counted).await;

    let person = ledger.app.registered(&ledger.app.service(), "ledger").await;
    let sign_in = |ledger: &Ledger, name: &str, value: &str| {
        ledger.post(&key, "/authenticate", &json!({name: value, "user_secret": PASSWORD}))
    };
    let by_name = || sign_in(ledger, "user_id", &person.user_id);
    let (first, warm, counted) = (by_name(), by_name(), by_name());
    let device = ledger.app.send(first).await.ok().text_of("device_token");
    let attempt = ["GetItem", "GetItem", "UpdateItem", "UpdateItem"];
    let began = ["DeleteItem", "GetItem", "GetItem", "PutItem", "Query", "UpdateItem", "UpdateItem"];
    ledger.enter("authenticate by user_id", budget(&began, 4, 2.5, 4.0), warm, counted).await;

    let by_key = || sign_in(ledger, "user_key", &person.user_key);
    let (warm, counted) = (by_key(), by_key());
    let began_by_key = ["DeleteItem", "GetItem", "PutItem", "Query", "UpdateItem", "UpdateItem"];
    ledger.enter("authenticate by user_key", budget(&began_by_key, 3, 1.5, 4.0), warm, counted).await;

    let known = || {
        let body = json!({"user_id": person.user_id, "user_secret": PASSWORD, "device_token": device});
        ledger.post(&key, "/authenticate", &body)
    };
    let (warm, counted) = (known(), known());
    let began_known = ["DeleteItem", "GetItem", "GetItem", "PutItem", "Query", "UpdateItem"];
    ledger.enter("authenticate, known device", budget(&began_known, 4, 2.5, 3.0), warm, counted).await;

    let unknown = |name: &str| sign_in(ledger, "user_id", name);
    let (warm, counted) = (unknown("nobody-has-this-name"), unknown("nobody-has-this-name"));
    ledger.enter("authenticate, refused", budget(&attempt, 3, 2.0, 2.0), warm, counted).await;
}

async fn refreshes(ledger: &mut Ledger) {
    let app = ledger.app.clone();
    let refresh = |ledger: &Ledger, person: &Person, token: &str| {
        ledger.post(&person.application.publishable_key, "/refresh", &json!({"refresh_token": token}))
    };
    let rotation = || budget(&["GetItem", "UpdateItem"], 1, 1.0, 1.0);

    let (one, mut two) = (app.signed_in(&app.service(), "l").await, app.signed_in(&app.service(), "l").await);
    let (warm, counted) = (refresh(ledger, &one, &one.refresh_token), refresh(ledger, &two, &two.refresh_token));
    ledger.enter("refresh, case A", rotation(), warm, counted).await;

    let again = || refresh(ledger, &two, &two.refresh_token);
    let (warm, counted) = (again(), again());
    ledger.enter("refresh, case B", rotation(), warm, counted).await;

    two.waits(60).await;
    let (warm, counted) = (refresh(ledger, &one, &one.refresh_token), refresh(ledger, &two, &two.refresh_token));
    let recovery = budget(&["GetItem", "UpdateItem", "UpdateItem"], 2, 1.0, 2.0);
    ledger.enter("refresh, case C", recovery, warm, counted).await;

    two.refresh().await.ok();
    two.log_out().await.ok();
    let over = || refresh(ledger, &two, &two.refresh_token);
    let (warm, counted) = (over(), over());
    ledger.enter("refresh, case G, refused", rotation(), warm, counted).await;

    for (what, token) in hopeless(&one).await {
        let (warm, counted) = (refresh(ledger, &one, &token), refresh(ledger, &one, &token));
        ledger.enter(&format!("refresh, case I, {what}, refused"), budget(&[], 0, 0.0, 0.0), warm, counted).await;
    }

    let legacy = app.signed_in(&app.legacy(), "l").await;
    let constant = || refresh(ledger, &legacy, &legacy.refresh_token);
    let (warm, counted) = (constant(), constant());
    ledger.enter("refresh without rotation", budget(&["GetItem", "GetItem"], 1, 2.0, 0.0), warm, counted).await;
}

/// Tokens of case I: what they are tells by itself that they are no good. The last two name a key that there is.
async fn hopeless(person: &Person) -> [(&'static str, String); 3] {
    let keys = person.app.database.store().signing_keys.macs(System.now()).await.expect("keys");
    let genuine = keys.open(&person.refresh_token, System.now()).expect("a genuine token");
    let ended = System.now().seconds() - 1;
    let ended = keys.seal(&RefreshToken { absolute_expires_at: Timestamp::from_seconds(ended), ..genuine });
    let tampered = match person.refresh_token.strip_suffix('A') {
        Some(rest) => format!("{rest}B"),
        None => format!("{}A", &person.refresh_token[..person.refresh_token.len() - 1]),
    };
    [("junk", "gl_rt_junk".to_owned()), ("wrong tag", tampered), ("over", ended.into_exposed())]
}

async fn checks(ledger: &mut Ledger) {
    let app = ledger.app.clone();
    let person = app.signed_in(&app.service(), "ledger").await;
    let key = person.application.publishable_key.clone();
    let live = || budget(&["GetItem", "GetItem"], 1, 2.0, 0.0);
    let free = || budget(&[], 0, 0.0, 0.0);

    for (name, path) in [("token_info", "/token-info"), ("whoami", "/whoami")] {
        let (warm, counted) = (ledger.bearer(&person, "GET", path), ledger.bearer(&person, "GET", path));
        ledger.enter(name, live(), warm, counted).await;
    }
    let listed = budget(&["GetItem", "Query"], 1, 2.0, 0.0);
    let (warm, counted) = (ledger.bearer(&person, "GET", "/sessions"), ledger.bearer(&person, "GET", "/sessions"));
    ledger.enter("sessions, list", listed, warm, counted).await;
    let (warm, counted) =
        (ledger.form("/introspect", &person.access_token), ledger.form("/introspect", &person.access_token));
    ledger.enter("introspect", live(), warm, counted).await;

    let guarded = || ledger.app.client.get(ledger.app.url("/orders")).bearer_auth(&person.access_token);
    let (warm, counted) = (guarded(), guarded());
    ledger.enter("authorizer", live(), warm, counted).await;

    for path in ["/whoami", "/.well-known/jwks.json", "/.well-known/openid-configuration"] {
        let anonymous = || ledger.app.request("GET", path).header("api-key", &key);
        let (warm, counted) = (anonymous(), anonymous());
        ledger.enter(&format!("anonymous {path}"), free(), warm, counted).await;
    }
    let mistyped = || ledger.app.request("GET", "/whoami").header("api-key", format!("{key}x"));
    let (warm, counted) = (mistyped(), mistyped());
    ledger.enter("a mistyped key, refused", free(), warm, counted).await;
}

async fn endings(ledger: &mut Ledger) {
    let app = ledger.app.clone();
    let people = || async { (app.signed_in(&app.service(), "l").await, app.signed_in(&app.service(), "l").await) };
    let ended = || budget(&["UpdateItem"], 1, 0.0, 1.0);

    let (one, two) = people().await;
    let (warm, counted) = (ledger.bearer(&one, "DELETE", "/logout"), ledger.bearer(&two, "DELETE", "/logout"));
    ledger.enter("logout", ended(), warm, counted).await;

    let (one, two) = people().await;
    let (warm, counted) = (ledger.form("/revoke", &one.refresh_token), ledger.form("/revoke", &two.refresh_token));
    ledger.enter("revoke", ended(), warm, counted).await;

    let (one, two) = people().await;
    let path = |person: &Person| format!("/sessions/{}", person.session_id());
    let (warm, counted) = (ledger.bearer(&one, "DELETE", &path(&one)), ledger.bearer(&two, "DELETE", &path(&two)));
    let expected = budget(&["GetItem", "GetItem", "GetItem", "UpdateItem"], 3, 3.0, 1.0);
    ledger.enter("sessions, end one", expected, warm, counted).await;

    let (one, two) = people().await;
    let (warm, counted) = (ledger.bearer(&one, "DELETE", "/sessions"), ledger.bearer(&two, "DELETE", "/sessions"));
    let expected = budget(&["GetItem", "GetItem", "UpdateItem"], 2, 2.0, 1.0);
    ledger.enter("sessions, end all", expected, warm, counted).await;
}
