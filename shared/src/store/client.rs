//! The DynamoDB client, built by hand.
//!
//! On Lambda, credentials and region are in the environment; assembling the client from them starts in a third of the
//! time that the full configuration chain takes (`docs/decisions/0003-aws-client-by-hand.md`).

use std::time::Duration;

use aws_sdk_dynamodb::{
    Client, Config,
    config::{
        BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig, retry::RetryConfig, timeout::TimeoutConfig,
    },
};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, rustls_provider::CryptoMode},
};

use crate::config::Aws;

/// How long a call may take and how often it is sent. All of it lies below every timeout outside (`docs/faults.md`).
pub struct Budget {
    /// Until a connection stands.
    pub connect: Duration,
    /// From sending a request to the end of its answer.
    pub attempt: Duration,
    /// All attempts, and the waits between them.
    pub operation: Duration,
    /// How often a request is sent, the first time included.
    pub attempts: u32,
}

/// The budget of every call.
pub const BUDGET: Budget = Budget {
    connect: Duration::from_secs(1),
    attempt: Duration::from_millis(1500),
    operation: Duration::from_millis(4500),
    attempts: 3,
};

/// A client for `aws`. It connects at its first call.
#[must_use]
pub fn connect(aws: &Aws) -> Client {
    let credentials = Credentials::new(
        aws.access_key_id.clone(),
        aws.secret_access_key.expose(),
        aws.session_token.as_ref().map(|token| token.expose().to_owned()),
        None,
        "environment",
    );
    let plain_http = aws.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    let http_client = if plain_http {
        Builder::new().build_http()
    } else {
        Builder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build_https()
    };
    let mut config = Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .credentials_provider(credentials)
        .region(Region::new(aws.region.clone()))
        .http_client(http_client)
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(BUDGET.attempts)
                .with_initial_backoff(Duration::from_millis(50))
                .with_max_backoff(Duration::from_millis(500)),
        )
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(BUDGET.connect)
                .operation_attempt_timeout(BUDGET.attempt)
                .operation_timeout(BUDGET.operation)
                .build(),
        )
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(endpoint) = &aws.endpoint {
        config = config.endpoint_url(endpoint);
    }
    Client::from_conf(config.build())
}
