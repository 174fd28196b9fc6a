//! Settings: all of them, read once, from the environment that `infra/template.yaml` gives a function.
//!
//! A missing or malformed one fails the function's init and names itself, instead of failing somebody's login.

use std::{str::FromStr, time::Duration};

use crate::{
    access_token::Algorithm,
    http::Cookies,
    ids::ApplicationId,
    password::{Hasher, Params, Policy},
    secret::Secret,
};

/// The dimension `service` of the metrics where `GATELET_SERVICE` does not say.
pub(crate) const DEFAULT_SERVICE: &str = "gatelet";

/// A function's settings.
pub struct Config {
    /// `GATELET_ISSUER`: the URL of the API's base path, the JWT `iss`.
    pub issuer: String,
    /// `GATELET_AUDIENCE`: the JWT `aud` of applications that have none of their own. Default: the issuer.
    pub audience: String,
    /// The cookies' form, which follows from the issuer's scheme.
    pub cookies: Cookies,
    /// `GATELET_DEFAULT_APPLICATION`: who sends requests without a key. Empty: nobody.
    pub default_application: Option<ApplicationId>,
    /// What is asked of passwords and how they are hashed.
    pub passwords: Passwords,
    /// `GATELET_MAX_SESSIONS`: of one user, at a time.
    pub max_sessions: usize,
    /// `GATELET_AUTHORIZER_MODE` and `GATELET_AUTHORIZER_LIVE_CHECK`.
    pub authorizer: Authorizer,
    /// `GATELET_SIGNING_ALGORITHM` and `GATELET_KEY_ROTATION_DAYS`.
    pub rotation: Rotation,
    /// `GATELET_USERS_TABLE` and its like.
    pub tables: Tables,
    /// Where DynamoDB is, and who asks.
    pub aws: Aws,
}

/// The deployment's rules for passwords.
pub struct Passwords {
    /// `GATELET_PASSWORD_MIN_LENGTH` and `GATELET_PASSWORD_MAX_LENGTH`, in code points.
    pub policy: Policy,
    /// `GATELET_ARGON2_MEMORY_KIB`, `GATELET_ARGON2_ITERATIONS`, `GATELET_ARGON2_PARALLELISM`, and
    /// `GATELET_PASSWORD_PEPPERS`: `id:base64[,id:base64]`, newest first, empty for none.
    pub hasher: Hasher,
}

/// How the authorizer treats the team's own routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authorizer {
    /// `optional`: requests without a credential pass as anonymous. `required`: they don't.
    pub optional: bool,
    /// What the table is asked about a token that verifies.
    pub live_check: LiveCheck,
}

/// How current the authorizer's knowledge of ended sessions is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveCheck {
    /// As of now.
    Strong,
    /// As of about a second ago, for half the price.
    Eventual,
    /// Not asked: an ended session's access token works until it expires.
    Off,
}

/// What scheduled rotation keeps to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// What new key pairs sign with: `ES256`, `RS256` or `EdDSA`.
    pub algorithm: Algorithm,
    /// How long a key is in use before the next one takes over: 1 to 365 days.
    pub period: Duration,
}

/// The tables' names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// Accounts.
    pub users: String,
    /// Sign-ins.
    pub sessions: String,
    /// Clients of the API.
    pub applications: String,
    /// What signs and seals.
    pub signing_keys: String,
}

impl Tables {
    /// The tables of the deployed stack `stack`.
    #[must_use]
    pub fn of_stack(stack: &str) -> Self {
        Self {
            users: format!("{stack}-users"),
            sessions: format!("{stack}-sessions"),
            applications: format!("{stack}-applications"),
            signing_keys: format!("{stack}-signing-keys"),
        }
    }
}

/// What Lambda says about AWS.
#[derive(Debug)]
pub struct Aws {
    /// `AWS_REGION`.
    pub region: String,
    /// `AWS_ENDPOINT_URL_DYNAMODB`: another DynamoDB than the region's.
    pub endpoint: Option<String>,
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: Secret,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: Option<Secret>,
}

/// A setting can't be used. The value is not repeated: it may be a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is not there.
    #[error("the setting {0} is missing")]
    Missing(&'static str),
    /// It is of no use.
    #[error("the setting {name} {reason}")]
    Malformed {
        /// Which.
        name: &'static str,
        /// Why.
        reason: String,
    },
}

impl Config {
    /// Reads the process's environment.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the first setting that is missing or of no use.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::read(&Settings(&|name| std::env::var(name).ok()))
    }

    fn read(settings: &Settings<'_>) -> Result<Self, ConfigError> {
        let issuer = issuer(settings)?;
        Ok(Self {
            audience: settings.optional("GATELET_AUDIENCE").unwrap_or_else(|| issuer.clone()),
            cookies: Cookies::new(issuer.starts_with("https://")),
            issuer,
            default_application: settings.parsed("GATELET_DEFAULT_APPLICATION")?,
            passwords: Passwords {
                policy: password_policy(settings)?,
                hasher: Hasher::new(
                    password_params(settings)?,
                    settings.parsed("GATELET_PASSWORD_PEPPERS")?.unwrap_or_default(),
                ),
            },
            max_sessions: max_sessions(settings)?,
            authorizer: authorizer(settings)?,
            rotation: rotation(settings)?,
            tables: Tables {
                users: settings.required("GATELET_USERS_TABLE")?,
                sessions: settings.required("GATELET_SESSIONS_TABLE")?,
                applications: settings.required("GATELET_APPLICATIONS_TABLE")?,
                signing_keys: settings.required("GATELET_SIGNING_KEYS_TABLE")?,
            },
            aws: Aws {
                region: settings.required("AWS_REGION")?,
                endpoint: settings.optional("AWS_ENDPOINT_URL_DYNAMODB"),
                access_key_id: settings.required("AWS_ACCESS_KEY_ID")?,
                secret_access_key: Secret::new(settings.required("AWS_SECRET_ACCESS_KEY")?),
                session_token: settings.optional("AWS_SESSION_TOKEN").map(Secret::new),
            },
        })
    }
}

/// `GATELET_SERVICE`: what the metrics of this deployment are told apart by. The edge asks for it itself, for every function.
///
/// # Errors
///
/// If CloudWatch would not take it as the value of a dimension.
#[expect(clippy::disallowed_methods, reason = "as `Config::from_env`")]
pub(crate) fn service_from_env() -> Result<String, ConfigError> {
    service(&Settings(&|name| std::env::var(name).ok()))
}

fn service(settings: &Settings<'_>) -> Result<String, ConfigError> {
    const NAME: &str = "GATELET_SERVICE";
    let service = settings.optional(NAME).unwrap_or_else(|| DEFAULT_SERVICE.to_owned());
    let fits = service.len() <= 255 && service.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(service) } else { Err(malformed(NAME, "it must be at most 255 visible ASCII characters")) }
}

/// Where settings come from. An empty one counts as absent: CloudFormation can't leave a variable out.
struct Settings<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Settings<'_> {
    fn optional(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &'static str) -> Result<String, ConfigError> {
        self.optional(name).ok_or(ConfigError::Missing(name))
    }

    fn parsed<T: FromStr<Err: std::fmt::Display>>(&self, name: &'static str) -> Result<Option<T>, ConfigError> {
        self.optional(name).map(|value| value.parse().map_err(|error: T::Err| malformed(name, error))).transpose()
    }
}

fn malformed(name: &'static str, reason: impl std::fmt::Display) -> ConfigError {
    ConfigError::Malformed { name, reason: format!("can't be used: {reason}") }
}

/// HTTPS, or plain HTTP on this machine: tokens don't cross a network in the clear.
fn issuer(settings: &Settings<'_>) -> Result<String, ConfigError> {
    const NAME: &str = "GATELET_ISSUER";
    let issuer = settings.required(NAME)?;
    let host = issuer.strip_prefix("http://").map(|rest| rest.split(['/', ':']).next().unwrap_or_default());
    let trusted = issuer.starts_with("https://") || host.is_some_and(|host| host == "127.0.0.1" || host == "localhost");
    if !trusted {
        return Err(malformed(NAME, "it must be an https:// URL, or http:// on 127.0.0.1 or localhost"));
    }
    if issuer.ends_with('/') || issuer.contains(['?', '#', ' ']) {
        return Err(malformed(NAME, "it must have no query, fragment or trailing slash (RFC 8414 §2)"));
    }
    Ok(issuer)
}

fn password_policy(settings: &Settings<'_>) -> Result<Policy, ConfigError> {
    let min = settings.parsed("GATELET_PASSWORD_MIN_LENGTH")?.unwrap_or(8);
    let max = settings.parsed("GATELET_PASSWORD_MAX_LENGTH")?.unwrap_or(256);
    Policy::new(min, max)
        .map_err(|error| malformed("GATELET_PASSWORD_MIN_LENGTH or GATELET_PASSWORD_MAX_LENGTH", error))
}

fn password_params(settings: &Settings<'_>) -> Result<Params, ConfigError> {
    let memory_kib = settings.parsed("GATELET_ARGON2_MEMORY_KIB")?.unwrap_or(19_456);
    let iterations = settings.parsed("GATELET_ARGON2_ITERATIONS")?.unwrap_or(2);
    let parallelism = settings.parsed("GATELET_ARGON2_PARALLELISM")?.unwrap_or(1);
    Params::new(memory_kib, iterations, parallelism).map_err(|error| {
        malformed("GATELET_ARGON2_MEMORY_KIB, GATELET_ARGON2_ITERATIONS or GATELET_ARGON2_PARALLELISM", error)
    })
}

fn max_sessions(settings: &Settings<'_>) -> Result<usize, ConfigError> {
    const NAME: &str = "GATELET_MAX_SESSIONS";
    match settings.parsed(NAME)?.unwrap_or(50) {
        sessions @ 1..=500 => Ok(sessions),
        _ => Err(malformed(NAME, "it must be 1 to 500")),
    }
}

fn authorizer(settings: &Settings<'_>) -> Result<Authorizer, ConfigError> {
    const MODE: &str = "GATELET_AUTHORIZER_MODE";
    const LIVE_CHECK: &str = "GATELET_AUTHORIZER_LIVE_CHECK";
    Ok(Authorizer {
        optional: match settings.optional(MODE).as_deref() {
            None | Some("required") => false,
            Some("optional") => true,
            Some(_) => return Err(malformed(MODE, "it must be `required` or `optional`")),
        },
        live_check: match settings.optional(LIVE_CHECK).as_deref() {
            None | Some("strong") => LiveCheck::Strong,
            Some("eventual") => LiveCheck::Eventual,
            Some("off") => LiveCheck::Off,
            Some(_) => return Err(malformed(LIVE_CHECK, "it must be `strong`, `eventual` or `off`")),
        },
    })
}

fn rotation(settings: &Settings<'_>) -> Result<Rotation, ConfigError> {
    const ALGORITHM: &str = "GATELET_SIGNING_ALGORITHM";
    const DAYS: &str = "GATELET_KEY_ROTATION_DAYS";
    let algorithm = settings.optional(ALGORITHM);
    let days @ 1..=365 = settings.parsed(DAYS)?.unwrap_or(30) else {
        return Err(malformed(DAYS, "it must be 1 to 365"));
    };
    Ok(Rotation {
        algorithm: Algorithm::from_name(algorithm.as_deref().unwrap_or("ES256"))
            .ok_or_else(|| malformed(ALGORITHM, "it must be `ES256`, `RS256` or `EdDSA`"))?,
        period: Duration::from_hours(24 * days),
    })
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
