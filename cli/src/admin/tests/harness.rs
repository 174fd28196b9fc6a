//! A deployment in memory, and hands that type.

use crate::admin::answer::Answer;
use crate::admin::connection::Deployment;
use crate::admin::{AdminError, execute};
use crate::{Cli, Command};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType::S};
use clap::Parser;
use dynoxide::Database;
use serde_json::Value;
use shared::application::Application;
use shared::config::{Aws, Tables};
use shared::ids::{ApplicationId, UserKey};
use shared::password::PasswordHash;
use shared::secret::Secret;
use shared::session::{Device, Method, Session};
use shared::store::{self, Store};
use shared::user::User;
use shared::world::{System, World as _};

/// A deployment of its own, in memory.
pub(super) async fn deployment() -> Deployment {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(dynoxide::server::serve_on(listener, Database::memory().unwrap()));
    let client = store::connect(&Aws {
        region: "eu-west-1".into(),
        endpoint: Some(place.clone()),
        access_key_id: "local".into(),
        secret_access_key: Secret::new("local".into()),
        session_token: None,
    });
    let tables = Tables::of_stack("test");
    create_table(&client, &tables.users, &["pk"]).await;
    create_table(&client, &tables.sessions, &["user_key", "session_id"]).await;
    create_table(&client, &tables.applications, &["pk"]).await;
    create_table(&client, &tables.signing_keys, &["pk", "sk"]).await;
    create_table(&client, &tables.throttles, &["pk"]).await;
    Deployment { store: Store::new(&client, &tables), tables, place }
}

async fn create_table(client: &Client, name: &str, keys: &[&str]) {
    let mut create = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for (key, key_type) in keys.iter().zip([KeyType::Hash, KeyType::Range]) {
        let attribute = AttributeDefinition::builder().attribute_name(*key).attribute_type(S);
        let schema = KeySchemaElement::builder().attribute_name(*key).key_type(key_type);
        create = create.attribute_definitions(attribute.build().unwrap()).key_schema(schema.build().unwrap());
    }
    create.send().await.unwrap();
}

impl Deployment {
    pub(in crate::admin) async fn typed(&self, line: &str) -> Result<Answer, AdminError> {
        let words = std::iter::once("gatelet").chain(line.split_whitespace());
        let Command::Admin(command) = Cli::try_parse_from(words).unwrap().command else {
            panic!("{line} is no administration");
        };
        execute(&command, self).await
    }

    pub(in crate::admin) async fn json(&self, line: &str) -> Value {
        self.typed(line).await.unwrap().json
    }

    pub(in crate::admin) async fn text(&self, line: &str) -> String {
        self.typed(line).await.unwrap().text
    }

    pub(in crate::admin) async fn refusal(&self, line: &str) -> String {
        self.typed(line).await.err().expect(line).to_string()
    }

    /// Registers a user and signs in.
    pub(in crate::admin) async fn signed_in(&self, user_id: &str) -> User {
        let user = self.registered(user_id, None).await;
        self.sign_in(&user).await;
        user
    }

    /// Registers a user.
    pub(in crate::admin) async fn registered(&self, user_id: &str, email: Option<&str>) -> User {
        let hash = PasswordHash::from_stored("$argon2id$".into());
        let user = User {
            email: email.map(str::to_owned),
            ..User::named(UserKey::random(&System), user_id.into(), hash, System.now())
        };
        assert!(self.store.users.register(&user, &System).await.unwrap());
        user
    }

    pub(in crate::admin) async fn sign_in(&self, user: &User) {
        let application = Application::new(ApplicationId::random(&System), "web".into(), System.now());
        let device = Device::new(Some("curl/8.5"), Some("192.0.2.1"));
        let session = Session::begin(user, Method::Password, &application, device, &System, System.now());
        self.store.sessions.begin(&session).await.unwrap();
    }
}
