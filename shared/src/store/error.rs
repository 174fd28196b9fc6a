//! What can go wrong with the store.

use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// The store could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// DynamoDB throttled, failed or did not answer within the time budget. Nothing is known to have been done, and
    /// doing it again does no harm: case J of the protocol.
    #[error("DynamoDB is not available")]
    Unavailable(#[source] Source),
    /// DynamoDB understood and refused: a missing right, a missing table, an expression of ours that is wrong.
    #[error("DynamoDB refused {operation}")]
    Rejected {
        /// The API call.
        operation: &'static str,
        /// Its answer.
        #[source]
        source: Source,
    },
    /// A stored item that none of our versions writes.
    #[error("table {table}, item {key}: attribute {attribute} is missing or can't be read")]
    Corrupt {
        /// The table's name.
        table: String,
        /// The item's key.
        key: String,
        /// The attribute.
        attribute: &'static str,
    },
}

/// Service errors that pass: throttling in its forms, and another transaction on the same item.
const PASSING: [&str; 11] = [
    "InternalServerError",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
];

impl StoreError {
    /// Files what the SDK reports of `operation` under what a caller can do about it.
    pub(super) fn from_sdk<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let refused = match &error {
            SdkError::ServiceError(service) => {
                let passing = service.err().code().is_some_and(|code| PASSING.contains(&code));
                !passing && service.raw().status().is_client_error()
            }
            SdkError::ConstructionFailure(_) => true,
            _ => false,
        };
        if refused { Self::Rejected { operation, source: error.into() } } else { Self::Unavailable(error.into()) }
    }
}
