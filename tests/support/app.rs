//! A test's own view of a stack.

use std::sync::atomic::{AtomicU32, Ordering};

use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use shared::{
    api_key::{ApiKey, KeyKind},
    application::{Application, StoredKey},
    ids::ApplicationId,
    world::{System, World},
};

use super::{Answer, Database, PASSWORD, Person, Stack, stack::ExampleApplication};

/// A stack, with connections that belong to this test.
#[derive(Clone)]
pub struct App {
    pub stack: &'static Stack,
    pub client: Client,
    pub database: Database,
}

/// An application that a test speaks as.
#[derive(Debug, Clone)]
pub struct Known {
    pub id: String,
    pub publishable_key: String,
    pub secret_key: String,
}

impl From<&ExampleApplication> for Known {
    fn from(seeded: &ExampleApplication) -> Self {
        Self {
            id: seeded.application_id.clone(),
            publishable_key: seeded.publishable_key.clone(),
            secret_key: seeded.secret_key.clone(),
        }
    }
}

impl App {
    /// On the shared stack.
    pub fn start() -> Self {
        Self::on(Stack::shared())
    }

    /// On a stack of its own, which lasts as long as the test process.
    pub fn on(stack: &'static Stack) -> Self {
        let client = Client::builder().no_proxy().build().expect("a client can be built");
        Self { stack, client, database: Database::of(&stack.ready) }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.stack.ready.base_url)
    }

    /// A request to `/api/v1/auth/…`.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.client.request(method, self.url(&format!("/api/v1/auth{path}")))
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::of(request.send().await.expect("the stack answers")).await
    }

    /// A GET without any credential but the application's key.
    pub async fn get(&self, application: &Known, path: &str) -> Answer {
        self.send(self.request("GET", path).header("api-key", &application.publishable_key)).await
    }

    /// A POST of JSON.
    pub async fn post(&self, application: &Known, path: &str, body: &Value) -> Answer {
        let request = self.request("POST", path).header("api-key", &application.publishable_key);
        self.send(request.header("content-type", "application/json").body(body.to_string())).await
    }

    /// Invokes a function by its binary's name as `cargo lambda invoke` and a schedule do, past the HTTP API. The body is what it returned; if it
    /// failed or died, the header `x-amz-function-error` is there.
    pub async fn invoke(&self, function: &str, event: &Value) -> Answer {
        let url = self.url(&format!("/2015-03-31/functions/{function}/invocations"));
        self.send(self.client.post(url).body(event.to_string())).await
    }

    /// One of the seeded applications: `web`, `service` or `legacy`.
    pub fn seeded(&self, name: &str) -> Known {
        Known::from(&self.stack.ready.applications[name])
    }

    pub fn web(&self) -> Known {
        self.seeded("web")
    }

    pub fn service(&self) -> Known {
        self.seeded("service")
    }

    pub fn legacy(&self) -> Known {
        self.seeded("legacy")
    }

    /// A new application with both keys; `settle` changes what is not as usual.
    pub async fn application(&self, settle: impl FnOnce(&mut Application)) -> Known {
        let id = ApplicationId::random(&System);
        let mut application = Application::new(id, "a test's own".to_owned(), System.now());
        settle(&mut application);
        let [publishable_key, secret_key] = [KeyKind::Publishable, KeyKind::Secret].map(|kind| {
            let (key, hash) = ApiKey::generate(kind, id, &System);
            application.keys.push(StoredKey { kind, hash, created_at: System.now() });
            key.into_exposed()
        });
        self.database.store().applications.save(&application, None).await.expect("the application is stored");
        Known { id: id.to_string(), publishable_key, secret_key }
    }

    /// A name that nobody has.
    #[expect(clippy::unused_self, reason = "a name is fresh on a stack, and reads so")]
    pub fn fresh_name(&self, like: &str) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        format!("{like}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
    }

    /// A person with an account.
    pub async fn registered(&self, application: &Known, like: &str) -> Person {
        let user_id = self.fresh_name(like);
        let body = json!({"user_id": user_id, "user_secret": PASSWORD});
        let user_key = self.post(application, "/register", &body).await.status(201).text_of("user_key");
        Person::new(self.clone(), application.clone(), user_id, user_key)
    }

    /// A person who has signed in to an application that delivers tokens in the body.
    pub async fn signed_in(&self, application: &Known, like: &str) -> Person {
        let mut person = self.registered(application, like).await;
        person.sign_in().await.ok();
        person
    }
}
