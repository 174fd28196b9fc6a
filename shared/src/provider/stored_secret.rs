//! Secrets that AWS keeps: in the Parameter Store or in Secrets Manager, read by ARN with the function's own right.
//!
//! One call of either service, signed by the SDK's own signer. The generated clients for both would add more to each binary than
//! the rest of this module (`docs/decisions/0044-providers-as-configuration.md`).

use std::time::{Duration, UNIX_EPOCH};

use aws_sdk_dynamodb::config::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use openidconnect::{
    HttpRequest,
    http::{HeaderValue, Method},
};
use serde_json::{Value, json};

use super::{client_secret::AwsAccess, remembered::Passing, web::HttpError};
use crate::{config::SecretStores, secret::Secret, world::Timestamp};

/// How long the service may take.
const TIMEOUT: Duration = Duration::from_secs(2);

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Something that an AWS service keeps.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stored {
    service: Service,
    arn: String,
    region: String,
    china: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    ParameterStore,
    SecretsManager,
}

/// A client secret can't be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The service was not reached, or failed, or throttled: it may answer the next time.
    #[error("{0} is not available")]
    Unavailable(&'static str, #[source] Option<HttpError>),
    /// The service refused: a missing right or secret.
    #[error("{service} refused with {status}: {reason}")]
    Refused {
        /// Which.
        service: &'static str,
        /// The HTTP status.
        status: u16,
        /// Its name for the reason.
        reason: String,
    },
    /// What is kept there is of no use.
    #[error("the client secret {0}")]
    Unusable(&'static str),
    /// The request could not be signed.
    #[error("the request can't be signed")]
    Unsigned(#[source] Source),
}

impl Stored {
    /// Reads `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
    pub(super) fn parse(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let (Some("arn"), Some(partition), Some(service), Some(region), Some(_), Some(resource)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let service = match service {
            "ssm" if resource.starts_with("parameter/") => Service::ParameterStore,
            "secretsmanager" if resource.starts_with("secret:") => Service::SecretsManager,
            _ => return None,
        };
        let is_region = !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let china = partition == "aws-cn";
        is_region.then(|| Self { service, arn: arn.to_owned(), region: region.to_owned(), china })
    }

    fn address(&self, stores: &SecretStores) -> String {
        let given = match self.service {
            Service::ParameterStore => &stores.parameter_store,
            Service::SecretsManager => &stores.secrets_manager,
        };
        let suffix = if self.china { "amazonaws.com.cn" } else { "amazonaws.com" };
        given.clone().unwrap_or_else(|| format!("https://{}.{}.{suffix}", self.service.signing_name(), self.region))
    }

    /// The one call that reads it.
    fn request(&self, stores: &SecretStores) -> Result<HttpRequest, Source> {
        let (target, body) = match self.service {
            Service::ParameterStore => ("AmazonSSM.GetParameter", json!({"Name": self.arn, "WithDecryption": true})),
            Service::SecretsManager => ("secretsmanager.GetSecretValue", json!({"SecretId": self.arn})),
        };
        let mut request = HttpRequest::new(body.to_string().into_bytes());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = format!("{}/", self.address(stores)).parse()?;
        for (name, value) in [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)] {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        Ok(request)
    }

    /// The same, signed (AWS Signature Version 4).
    fn signed(&self, access: &AwsAccess, now: Timestamp) -> Result<HttpRequest, Source> {
        let (aws, mut request) = (&access.account, self.request(&access.stores)?);
        let token = aws.session_token.as_ref().map(|token| token.expose().to_owned());
        let credentials =
            Credentials::new(&aws.access_key_id, aws.secret_access_key.expose(), token, None, "environment");
        let identity = credentials.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service.signing_name())
            .time(UNIX_EPOCH + Duration::from_secs(now.seconds()))
            .settings(SigningSettings::default())
            .build()?
            .into();
        let headers = request.headers().iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let signable =
            SignableRequest::new("POST", request.uri().to_string(), headers, SignableBody::Bytes(request.body()))?;
        let (instructions, _) = sign(signable, &params)?.into_parts();
        instructions.apply_to_request_http1x(&mut request);
        Ok(request)
    }

    /// The secret, read now.
    pub(super) async fn fetch(&self, access: &AwsAccess, now: Timestamp) -> Result<Secret, SecretError> {
        let service = self.service.name();
        let request = self.signed(access, now).map_err(SecretError::Unsigned)?;
        let answer = tokio::time::timeout(TIMEOUT, access.web.send(request)).await;
        let answer = answer.map_err(|_| SecretError::Unavailable(service, None))?;
        let answer = answer.map_err(|error| SecretError::Unavailable(service, Some(error)))?;
        let status = answer.status();
        // What is no JSON has no members either, and is told by its status.
        let body: Value = serde_json::from_slice(answer.body()).unwrap_or(Value::Null);
        if status.is_success() {
            let text = match self.service {
                Service::ParameterStore => &body["Parameter"]["Value"],
                Service::SecretsManager => &body["SecretString"],
            };
            let text = text.as_str().ok_or(SecretError::Unusable("is no text"))?;
            return Ok(Secret::new(text.to_owned()));
        }
        let reason = body["__type"].as_str().unwrap_or("no reason").chars().take(64).collect::<String>();
        if status.is_server_error() || reason.contains("Throttling") {
            return Err(SecretError::Unavailable(service, None));
        }
        Err(SecretError::Refused { service, status: status.as_u16(), reason })
    }
}

impl Passing for SecretError {
    fn may_pass(&self) -> bool {
        matches!(self, Self::Unavailable(..))
    }
}

impl Service {
    const fn name(self) -> &'static str {
        match self {
            Self::ParameterStore => "the Parameter Store",
            Self::SecretsManager => "Secrets Manager",
        }
    }

    const fn signing_name(self) -> &'static str {
        match self {
            Self::ParameterStore => "ssm",
            Self::SecretsManager => "secretsmanager",
        }
    }
}
