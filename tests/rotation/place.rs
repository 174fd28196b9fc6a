//! A deployment in simulated time: a clock that the test moves, and an embedded DynamoDB that goes by it.

use std::{sync::Arc, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TimeToLiveSpecification,
    },
};
use dynoxide::{Database, storage_backend::ManualClock};
use shared::{
    config::{Config, Rotation, Tables},
    store::{Store, connect},
    world::World,
};

use crate::support::{self, Clock};

/// How late DynamoDB may delete what has expired.
const TTL_LAG: Duration = Duration::from_hours(48);

/// The deployment.
pub struct Place {
    pub clock: Clock,
    pub rotation: Rotation,
    pub database: Database,
    database_clock: Arc<ManualClock>,
    endpoint: String,
}

impl Place {
    /// An empty one.
    pub async fn build(rotation: Rotation) -> Self {
        let clock = Clock::starting_now();
        let database_clock = Arc::new(ManualClock::new(clock.now().seconds()));
        let database = Database::memory_with_clock(database_clock.clone()).expect("a database");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        let place = Self { clock, rotation, database, database_clock, endpoint };

        let client = connect(&place.config().aws);
        let tables = Tables::of_stack("simulated");
        create(&client, &tables.users, &["pk"]).await;
        create(&client, &tables.applications, &["pk"]).await;
        create(&client, &tables.sessions, &["user_key", "session_id"]).await;
        create(&client, &tables.signing_keys, &["pk", "sk"]).await;
        create(&client, &tables.throttles, &["pk"]).await;
        place
    }

    /// What the functions' environment says.
    pub fn config(&self) -> Config {
        let tables = Tables::of_stack("simulated");
        support::config("https://auth.example.com/api/v1/auth", &self.endpoint, tables, self.rotation)
    }

    /// A connection of its own.
    pub fn store(&self) -> Store {
        Store::connect(&self.config())
    }

    /// Deletes what expired two days ago, as DynamoDB does. How many items.
    pub fn collect_garbage(&self) -> usize {
        self.database_clock.set(self.clock.now().seconds() - TTL_LAG.as_secs());
        self.database.sweep_ttl().expect("the database sweeps")
    }
}

async fn create(client: &Client, name: &str, keys: &[&str]) {
    let mut table = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for (key, key_type) in keys.iter().zip([KeyType::Hash, KeyType::Range]) {
        let attribute = AttributeDefinition::builder().attribute_name(*key).attribute_type(ScalarAttributeType::S);
        let schema = KeySchemaElement::builder().attribute_name(*key).key_type(key_type);
        table = table.attribute_definitions(attribute.build().expect("complete"));
        table = table.key_schema(schema.build().expect("complete"));
    }
    table.send().await.expect("a table");
    let ttl = TimeToLiveSpecification::builder().attribute_name("expires_at").enabled(true).build();
    let enabled = client.update_time_to_live().table_name(name).time_to_live_specification(ttl.expect("complete"));
    enabled.send().await.expect("TTL");
}
