//! How the stack reaches its database: endpoint, region, credentials.

use super::options::DatabaseOptions;
use aws_sdk_dynamodb::Client;
use shared::config;
use shared::secret::Secret;
use shared::store;
use uuid::Uuid;

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
    /// The embedded database, which takes any credentials: these are made up, so that the developer's never get near it. What is secret of
    /// them is so only in form: long, and of this stack alone, so that it is found wherever a function writes it.
    pub(crate) fn embedded(endpoint: String, region: &str) -> Self {
        Self {
            endpoint,
            region: region.to_owned(),
            access_key_id: "local".to_owned(),
            secret_access_key: made_up_secret(),
            session_token: Some(made_up_secret()),
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

    /// Whether the credentials are nobody's, so that they may be written down.
    pub(crate) fn is_made_up(&self) -> bool {
        self.made_up
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

/// 64 characters that occur nowhere else.
fn made_up_secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_secrets_are_long_and_of_one_stack() {
        let stacks = [1, 2].map(|_| Aws::embedded(String::new(), "eu-west-1"));
        let secrets = stacks.iter().flat_map(|aws| [Some(&aws.secret_access_key), aws.session_token.as_ref()]);
        let secrets: std::collections::BTreeSet<_> = secrets.flatten().collect();
        assert_eq!(secrets.len(), 4);
        assert!(secrets.iter().all(|secret| secret.len() == 64), "{secrets:?}");
    }
}
