//! Client secrets: where they are kept, and what becomes of them.
//!
//! In AWS they are in the Parameter Store or in Secrets Manager; on a developer's machine in the environment. Apple's is a key,
//! with which a short-lived JWT is signed at each use.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};

use super::{
    remembered::{Remembered, Terms},
    stored_secret::{SecretError, Stored},
    web::HttpClient,
};
use crate::{
    config::{Aws, SecretStores},
    secret::Secret,
    world::Timestamp,
};

/// How long what was read serves.
const STORED: Terms = Terms { fresh_for: Duration::from_mins(5), good_for: Duration::from_hours(24) };

/// How long Apple's JWT is good for: one request.
const APPLE_LIFETIME: Duration = Duration::from_mins(5);

/// What Apple calls the key that signs, and whose it is ("Creating a client secret" in its documentation).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AppleKey {
    team_id: String,
    key_id: String,
}

/// A client secret: where it is, and a copy of it once it was read.
#[derive(Debug)]
pub(super) struct ClientSecret {
    place: Place,
    apple: Option<AppleKey>,
}

#[derive(Debug)]
enum Place {
    Environment(Secret),
    Aws { stored: Stored, copy: Remembered<Secret> },
}

impl ClientSecret {
    /// Reads `env:NAME`, or the ARN of a parameter or a secret.
    pub(super) fn read(
        text: &str,
        apple: Option<AppleKey>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, &'static str> {
        if let Some(name) = text.strip_prefix("env:") {
            if name.starts_with("AWS_") {
                return Err("`client_secret` names a variable of AWS");
            }
            let secret = variable(name)
                .ok_or("the variable that `client_secret` names is not set, or this is no local stack")?;
            return Ok(Self { place: Place::Environment(Secret::new(secret)), apple });
        }
        let stored = Stored::parse(text);
        let stored =
            stored.ok_or("`client_secret` is the ARN of a parameter or a secret, or env:NAME, and never the secret")?;
        Ok(Self { place: Place::Aws { stored, copy: Remembered::nothing() }, apple })
    }

    /// What the token endpoint of `issuer` wants to see of the client `client_id`.
    pub(super) async fn get(
        &self,
        client_id: &str,
        issuer: &str,
        aws: &AwsAccess,
        now: Timestamp,
    ) -> Result<Secret, SecretError> {
        match &self.place {
            Place::Environment(secret) => self.finish(secret, client_id, issuer, now),
            Place::Aws { stored, copy } => {
                let read = stored.fetch(aws, now);
                let secret = copy.get(&STORED, now, read).await?;
                self.finish(&secret, client_id, issuer, now)
            }
        }
    }

    fn finish(&self, secret: &Secret, client_id: &str, issuer: &str, now: Timestamp) -> Result<Secret, SecretError> {
        match &self.apple {
            None => Ok(Secret::new(secret.expose().to_owned())),
            Some(key) => key.sign(secret, client_id, issuer, now),
        }
    }
}

/// Who asks AWS for secrets, and how.
pub(super) struct AwsAccess {
    pub(super) account: Aws,
    pub(super) stores: SecretStores,
    pub(super) web: HttpClient,
}

#[derive(Serialize)]
struct AppleClaims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: Timestamp,
    exp: Timestamp,
}

impl AppleKey {
    /// The JWT that Apple takes as a client secret, signed with the key in the PEM text `key`.
    fn sign(&self, key: &Secret, client_id: &str, issuer: &str, now: Timestamp) -> Result<Secret, SecretError> {
        // `jsonwebtoken` reads PEM with a crate that nothing else here needs. What is no key is refused when it signs.
        let lines = key.expose().lines().map(str::trim).filter(|line| !line.starts_with("-----"));
        let der = STANDARD
            .decode(lines.collect::<String>())
            .map_err(|_| SecretError::Unusable("is no private key in PEM"))?;
        let header = Header { kid: Some(self.key_id.clone()), ..Header::new(Algorithm::ES256) };
        let exp = now.plus(APPLE_LIFETIME);
        let claims = AppleClaims { iss: &self.team_id, sub: client_id, aud: issuer, iat: now, exp };
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(&der))
            .map(Secret::new)
            .map_err(|_| SecretError::Unusable("is no private key for ES256"))
    }
}

#[cfg(test)]
#[path = "client_secret_tests.rs"]
mod tests;
