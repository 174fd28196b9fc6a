//! What can go wrong, each said in one sentence that names what to do.

use super::connection::Deployment;
use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::types::error::ResourceNotFoundException;
use shared::application::{Application, InvalidSetting};
use shared::ids::ApplicationId;
use shared::keys::GenerationFailed;
use shared::rotation::RotationError;
use shared::store::StoreError;
use shared::user::{InvalidPermission, Permissions};
use std::error::Error;

/// A command could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    #[error("no AWS region is set: give --region, or set AWS_REGION")]
    NoRegion,
    #[error(
        "there are no AWS credentials ({reason}): sign in (`aws sso login`), and set AWS_PROFILE, or \
         AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    )]
    NoCredentials { reason: String },
    #[error("there is no application {0}: `gatelet app list` shows which there are")]
    NoApplication(ApplicationId),
    #[error("{0}; nothing was changed")]
    Setting(InvalidSetting),
    #[error(
        "application {id} has {count} {kind} keys already ({fingerprints}), which is the most: revoke one first with \
         `gatelet app revoke-key {id} FINGERPRINT`",
        count = Application::MAX_KEYS
    )]
    TooManyKeys { id: ApplicationId, kind: shared::api_key::KeyKind, fingerprints: String },
    #[error("application {id} has no key {fingerprint}: `gatelet app show {id}` lists its keys")]
    NoKey { id: ApplicationId, fingerprint: String },
    #[error("there is no user {0}")]
    NoUser(String),
    #[error("`{permission}` can't be granted: {reason}")]
    Permission { permission: String, reason: InvalidPermission },
    #[error("somebody else has the address {0}, and was vouched for")]
    EmailTaken(String),
    #[error("user {0} has no address")]
    NoEmail(String),
    #[error("user {0} would have more than {max} permissions, which is the most", max = Permissions::MAX)]
    TooManyPermissions(String),
    #[error("user {user_id} does not have the permission `{permission}`; nothing was changed")]
    NotGranted { user_id: String, permission: String },
    #[error("there is no key {0}: `gatelet keys list` shows which there are")]
    NoSigningKey(String),
    #[error("it is being changed by somebody else all the time: try again")]
    Busy,
    #[error("no key pair could be made: the cryptographic library failed")]
    Generation(GenerationFailed),
    #[error("the answer could not be written: {0}")]
    Output(std::io::Error),
    /// The store failed, at the table that the command is about.
    #[error("{0}")]
    Store(StoreError),
    /// The store failed at the sessions table.
    #[error("{0}")]
    Sessions(StoreError),
    /// The store failed at the throttles table.
    #[error("{0}")]
    Throttles(StoreError),
    /// A store's failure in a sentence.
    #[error("{0}")]
    Explained(String),
}

impl From<RotationError> for AdminError {
    fn from(error: RotationError) -> Self {
        match error {
            RotationError::Store(error) => Self::Store(error),
            RotationError::Generation(error) => Self::Generation(error),
            RotationError::Contended => Self::Busy,
        }
    }
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl AdminError {
    /// Says a failure of the store in terms of what the administrator chose: table, stack, endpoint.
    pub(crate) fn explained(self, deployment: &Deployment, table: &str) -> Self {
        match self {
            Self::Store(error) => Self::Explained(explain(&error, table, deployment)),
            Self::Sessions(error) => Self::Explained(explain(&error, &deployment.tables.sessions, deployment)),
            Self::Throttles(error) => Self::Explained(explain(&error, &deployment.tables.throttles, deployment)),
            other => other,
        }
    }
}

fn explain(error: &StoreError, table: &str, deployment: &Deployment) -> String {
    let place = &deployment.place;
    match error {
        StoreError::Rejected { source, .. } if cause::<ResourceNotFoundException>(source.as_ref()).is_some() => {
            format!(
                "there is no table `{table}` {place}: choose the deployed stack with --stack NAME, and its --region"
            )
        }
        StoreError::Rejected { operation, source } => {
            let reason = match cause::<ErrorMetadata>(source.as_ref()) {
                Some(answer) => answer.message().or(answer.code()).unwrap_or("no reason given").to_owned(),
                None => root(source.as_ref()),
            };
            format!("DynamoDB refused {operation} on table `{table}`: {reason}")
        }
        StoreError::Unavailable(source) => {
            let reason = root(source.as_ref());
            format!("DynamoDB {place} does not answer ({reason}): check --endpoint-url and --region, or try again")
        }
        StoreError::Corrupt { .. } => error.to_string(),
    }
}

/// The first cause of type `E`.
fn cause<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

/// The cause of all causes, which is the one that says something.
pub(crate) fn root(error: &(dyn Error + 'static)) -> String {
    chain(error).last().unwrap_or(error).to_string()
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (**error).source())
}
