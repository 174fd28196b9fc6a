//! Settings: all of them, read once, from the environment that `infra/template.yaml` gives a function.
//!
//! A missing or malformed one fails the function's init and names itself, instead of failing somebody's login.

mod settings;

pub use settings::ConfigError;

use std::time::Duration;

use settings::{Settings, malformed};

use crate::{
    access_token::Algorithm,
    http::Cookies,
    ids::ApplicationId,
    password::{Hasher, Params, Policy},
    provider::ProviderSettings,
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
    /// `GATELET_SIGN_INS_PER_SOURCE` and `GATELET_REGISTRATIONS_PER_SOURCE`.
    pub limits: Limits,
    /// `GATELET_AUTHORIZER_MODE` and `GATELET_AUTHORIZER_LIVE_CHECK`.
    pub authorizer: Authorizer,
    /// `GATELET_SIGNING_ALGORITHM` and `GATELET_KEY_ROTATION_DAYS`.
    pub rotation: Rotation,
    /// `GATELET_OAUTH_PROVIDERS`: whom users may sign in at, other than here. Default: nobody.
    pub providers: ProviderSettings,
    /// `AWS_ENDPOINT_URL_SSM` and `AWS_ENDPOINT_URL_SECRETS_MANAGER`.
    pub secret_stores: SecretStores,
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

/// How many attempts one source address has in one window ([`crate::throttle::Counted::window`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Attempts to sign in, in five minutes.
    pub sign_ins: u32,
    /// Registrations, in an hour.
    pub registrations: u32,
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
    /// Counters of attempts.
    pub throttles: String,
    /// Sign-ins at providers that are under way.
    pub flows: String,
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
            throttles: format!("{stack}-throttles"),
            flows: format!("{stack}-flows"),
        }
    }
}

/// Other places for client secrets than the region's own.
#[derive(Debug, Default)]
pub struct SecretStores {
    /// Another Parameter Store.
    pub parameter_store: Option<String>,
    /// Another Secrets Manager.
    pub secrets_manager: Option<String>,
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
            max_sessions: settings.in_range("GATELET_MAX_SESSIONS", 50, 1..=500)?,
            limits: Limits {
                sign_ins: settings.in_range("GATELET_SIGN_INS_PER_SOURCE", 100, 1..=1_000_000)?,
                registrations: settings.in_range("GATELET_REGISTRATIONS_PER_SOURCE", 50, 1..=1_000_000)?,
            },
            authorizer: authorizer(settings)?,
            rotation: rotation(settings)?,
            providers: settings.providers()?,
            secret_stores: SecretStores {
                parameter_store: settings.optional("AWS_ENDPOINT_URL_SSM"),
                secrets_manager: settings.optional("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
            },
            tables: Tables {
                users: settings.required("GATELET_USERS_TABLE")?,
                sessions: settings.required("GATELET_SESSIONS_TABLE")?,
                applications: settings.required("GATELET_APPLICATIONS_TABLE")?,
                signing_keys: settings.required("GATELET_SIGNING_KEYS_TABLE")?,
                throttles: settings.required("GATELET_THROTTLES_TABLE")?,
                flows: settings.required("GATELET_FLOWS_TABLE")?,
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
    let algorithm = settings.optional(ALGORITHM);
    Ok(Rotation {
        algorithm: Algorithm::from_name(algorithm.as_deref().unwrap_or("ES256"))
            .ok_or_else(|| malformed(ALGORITHM, "it must be `ES256`, `RS256` or `EdDSA`"))?,
        period: Duration::from_hours(24 * settings.in_range("GATELET_KEY_ROTATION_DAYS", 30, 1..=365)?),
    })
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
