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
                ..embedded
            },
            _ => embedded,
        }
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
