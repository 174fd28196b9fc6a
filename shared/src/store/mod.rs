//! DynamoDB: the only module that knows it.
//!
//! The store speaks in intentions (`rotate`, `register`, `end`), each one conditional write. No other module sees a key,
//! an attribute name, an expression or an SDK error. What the tables hold is written at the head of each submodule;
//! `infra/template.yaml` declares them.
//!
//! Retries and time: an attempt may take 1.5 s, a call three attempts and 4.5 s in all ([`BUDGET`]), so that a function
//! answers 503 itself well before its 10 s timeout and the HTTP API's 30 s. Every write is conditional or idempotent, so that a retry
//! of a write which did arrive does no harm; `rotate` without a grace window is the exception, and says so; and a
//! counter of attempts may count one twice.

mod application_item;
mod applications;
mod client;
mod codes;
mod error;
mod flows;
mod identities;
mod item;
mod session_item;
mod sessions;
mod signing_keys;
mod throttles;
mod transaction;
mod user_item;
mod users;

pub use applications::{Applications, CACHED_FOR, Caller, IdentifyError, SaveError};
pub use client::{BUDGET, Budget, connect};
pub use codes::{Found, Presented, Redemption};
pub use error::StoreError;
pub use flows::Flows;
pub use sessions::{Ended, Sessions, Written};
pub use signing_keys::{KeysError, PublicKey, SigningKeys, StoredKeys};
pub use throttles::{Admission, Throttles};
pub use users::Users;

use aws_sdk_dynamodb::Client;

use crate::config::{Config, Tables};

/// The stores, over one client. A handler takes only those that it needs.
pub struct Store {
    /// Accounts.
    pub users: Users,
    /// Sign-ins.
    pub sessions: Sessions,
    /// Clients of the API.
    pub applications: Applications,
    /// What signs and seals.
    pub signing_keys: SigningKeys,
    /// Counters of attempts.
    pub throttles: Throttles,
    /// Sign-ins at providers that are under way.
    pub flows: Flows,
}

impl Store {
    /// The deployment's tables, as the function's environment names them. Nothing is sent yet.
    #[must_use]
    pub fn connect(config: &Config) -> Self {
        let store = Self::new(&connect(&config.aws), &config.tables);
        Self { applications: store.applications.with_default(config.default_application), ..store }
    }

    /// The tables `tables` behind `client`.
    #[must_use]
    pub fn new(client: &Client, tables: &Tables) -> Self {
        let table = |name: &str| Table { client: client.clone(), name: name.to_owned() };
        Self {
            users: Users::new(table(&tables.users)),
            sessions: Sessions::new(table(&tables.sessions)),
            applications: Applications::new(table(&tables.applications)),
            signing_keys: SigningKeys::new(table(&tables.signing_keys)),
            throttles: Throttles::new(table(&tables.throttles)),
            flows: Flows::new(table(&tables.flows)),
        }
    }
}

/// One table.
#[derive(Debug, Clone)]
struct Table {
    client: Client,
    name: String,
}
