//! Behind the counter: the tables, to see what was stored and to let time pass for one item.

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, ReturnValue},
};
use shared::{
    access_token::Algorithm,
    config::{Aws, Tables},
    keys::KeyPair,
    secret::Secret,
    store::{Store, connect},
    world::{System, World},
};

use super::stack::Ready;

/// A stack's tables.
#[derive(Clone)]
pub struct Database {
    client: Client,
    tables: Tables,
}

/// A session's item, in numbers.
pub type SessionItem = std::collections::HashMap<String, AttributeValue>;

impl Database {
    pub fn of(ready: &Ready) -> Self {
        let table = |name: &str| ready.tables[name].clone();
        let tables = Tables {
            users: table("users"),
            sessions: table("sessions"),
            applications: table("applications"),
            signing_keys: table("signing_keys"),
            throttles: table("throttles"),
            flows: table("flows"),
        };
        let aws = Aws {
            region: ready.region.clone(),
            endpoint: Some(ready.dynamodb_endpoint.clone()),
            access_key_id: "local".into(),
            secret_access_key: Secret::new("local".into()),
            session_token: None,
        };
        Self { client: connect(&aws), tables }
    }

    /// The stores that the functions use, for what only an administrator does.
    pub fn store(&self) -> Store {
        Store::new(&self.client, &self.tables)
    }

    /// A session's item.
    pub async fn session(&self, user_key: &str, session_id: &str) -> SessionItem {
        self.find_session(user_key, session_id).await.expect("the session is stored")
    }

    /// A session's item, if it is still there.
    pub async fn find_session(&self, user_key: &str, session_id: &str) -> Option<SessionItem> {
        let get = self.client.get_item().table_name(&self.tables.sessions).consistent_read(true);
        let get = get.key("user_key", text(user_key)).key("session_id", text(session_id));
        get.send().await.expect("the session can be read").item
    }

    /// Moves a session's last rotation back.
    pub async fn age_rotation(&self, user_key: &str, session_id: &str, seconds: u64) {
        let rotated_at = number_of(&self.session(user_key, session_id).await, "rotated_at");
        self.set_session(user_key, session_id, "rotated_at", rotated_at - seconds).await;
    }

    /// Sets a number of a session's item.
    pub async fn set_session(&self, user_key: &str, session_id: &str, attribute: &str, value: u64) {
        self.client
            .update_item()
            .table_name(&self.tables.sessions)
            .key("user_key", text(user_key))
            .key("session_id", text(session_id))
            .update_expression("SET #attribute = :value")
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_values(":value", AttributeValue::N(value.to_string()))
            .return_values(ReturnValue::None)
            .send()
            .await
            .expect("the session can be changed");
    }

    /// Moves the last failure that was counted for an account back.
    pub async fn age_failures(&self, user_key: &str, time: Duration) {
        let last_at = System.now().minus(time).seconds();
        let update = self.client.update_item().table_name(&self.tables.throttles);
        let update = update.key("pk", text(&format!("account#{user_key}"))).update_expression("SET last_at = :last_at");
        let update = update.expression_attribute_values(":last_at", AttributeValue::N(last_at.to_string()));
        update.send().await.expect("the counter can be changed");
    }

    /// The item of a flow or a code.
    pub async fn flow(&self, pk: &str) -> SessionItem {
        let get = self.client.get_item().table_name(&self.tables.flows).consistent_read(true).key("pk", text(pk));
        get.send().await.expect("the flow can be read").item.expect("the flow is stored")
    }

    /// Lets a flow or a code expire now.
    pub async fn expire_flow(&self, pk: &str) {
        let update = self.client.update_item().table_name(&self.tables.flows).key("pk", text(pk));
        let update = update.update_expression("SET expires_at = :now");
        let now = AttributeValue::N(System.now().seconds().to_string());
        update.expression_attribute_values(":now", now).send().await.expect("the flow can be changed");
    }

    /// The key pair that signs under this name.
    pub async fn signing_pair(&self, kid: &str) -> KeyPair {
        let get = |pk: &str| {
            let get = self.client.get_item().table_name(&self.tables.signing_keys);
            get.key("pk", text(pk)).key("sk", text(kid)).send()
        };
        let [private, public] = [get("private").await, get("public").await]
            .map(|answer| answer.expect("the key can be read").item.expect("the key is stored"));
        let algorithm = private["algorithm"].as_s().ok().and_then(|name| Algorithm::from_name(name));
        KeyPair {
            kid: kid.to_owned(),
            algorithm: algorithm.expect("an algorithm"),
            private: private["key"].as_b().expect("bytes").as_ref().to_vec(),
            public: serde_json::from_str(public["jwk"].as_s().expect("text")).expect("a JWK"),
        }
    }

    /// How many sessions a user has in the table, dead ones included.
    pub async fn count_sessions(&self, user_key: &str) -> usize {
        let query = self.client.query().table_name(&self.tables.sessions).consistent_read(true);
        let query =
            query.key_condition_expression("user_key = :user").expression_attribute_values(":user", text(user_key));
        query.send().await.expect("the sessions can be listed").items().len()
    }

    /// The stored form of a user's password.
    pub async fn password_hash(&self, user_key: &str) -> String {
        let user = self.user(user_key).await;
        user["password_hash"].as_s().expect("a string").clone()
    }

    /// A user's item.
    pub async fn user(&self, user_key: &str) -> SessionItem {
        let get = self.client.get_item().table_name(&self.tables.users).consistent_read(true);
        let user = get.key("pk", text(&format!("user#{user_key}"))).send().await.expect("the user can be read").item;
        user.expect("the user is stored")
    }

    /// Sets a string of a user's item.
    pub async fn set_user(&self, user_key: &str, attribute: &str, value: &str) {
        self.client
            .update_item()
            .table_name(&self.tables.users)
            .key("pk", text(&format!("user#{user_key}")))
            .update_expression("SET #attribute = :value")
            .expression_attribute_names("#attribute", attribute)
            .expression_attribute_values(":value", text(value))
            .send()
            .await
            .expect("the user can be changed");
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// A number of an item.
pub fn number_of(item: &SessionItem, attribute: &str) -> u64 {
    item[attribute].as_n().expect("a number").parse().expect("a whole number")
}
