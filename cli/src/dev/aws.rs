//! How the stack reaches its database: endpoint, region, credentials.

use super::options::DatabaseOptions;
use aws_sdk_dynamodb::Client;
use shared::config;
use shared::secret::Secret;
use shared::store;

/// Coordinates of one DynamoDB.
#[derive(Clone)]
pub(crate) struct Aws {
    pub(crate) endpoint: String,
    pub(crate) region: String,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: Option<String>,
    /// The credentials are nobody's.
    made_up: bool,
}

impl Aws {
    /// The embedded database, which takes any credentials: these are made up, so that the developer's never get near it.
    pub(crate) fn embedded(endpoint: String, region: &str) -> Self {
        Self {
            endpoint,
            region: region.to_owned(),
            access_key_id: "local".to_owned(),
            secret_access_key: "local".to_owned(),
            session_token: Some("local".to_owned()),
            made_up: true,
        }
    }

    /// Another database, with the developer's credentials where there are any.
    pub(crate) fn outside(endpoint: String, options: &DatabaseOptions) -> Self {
        let embedded = Self::embedded(endpoint, &options.region);
        match (&options.access_key_id, &options.secret_access_key) {
            (Some(id), Some(secret)) => Self {
                access_key_id: id.clone(),
                secret_access_key: secret.clone(),
                session_token: options.session_token.clone(),
                made_up: false,
                ..embedded
            },
            _ => embedded,
        }
    }

    /// The same for a function: made-up credentials bear its name, so that the database can tell who asks.
    pub(crate) fn for_function(&self, name: &str) -> Self {
        let access_key_id = if self.made_up { name.to_owned() } else { self.access_key_id.clone() };
        Self { access_key_id, ..self.clone() }
    }

    /// A client, as the functions have one.
    pub(crate) fn client(&self) -> Client {
        store::connect(&config::Aws {
            region: self.region.clone(),
            endpoint: Some(self.endpoint.clone()),
            access_key_id: self.access_key_id.clone(),
            secret_access_key: Secret::new(self.secret_access_key.clone()),
            session_token: self.session_token.clone().map(Secret::new),
        })
    }
}
