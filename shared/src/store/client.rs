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

/// The time budget of one call. All of it lies below every timeout outside.
const CONNECT: Duration = Duration::from_secs(1);
const ATTEMPT: Duration = Duration::from_millis(1500);
const OPERATION: Duration = Duration::from_millis(4500);
const ATTEMPTS: u32 = 3;

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
                .with_max_attempts(ATTEMPTS)
                .with_initial_backoff(Duration::from_millis(50))
                .with_max_backoff(Duration::from_millis(500)),
        )
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(CONNECT)
                .operation_attempt_timeout(ATTEMPT)
                .operation_timeout(OPERATION)
                .build(),
        )
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    if let Some(endpoint) = &aws.endpoint {
        config = config.endpoint_url(endpoint);
    }
    Client::from_conf(config.build())
}
