//! Which deployment is meant, and how it is reached.
//!
//! AWS is reached by the standard credential chain: environment, profiles (SSO, roles and `credential_process` included),
//! web identity, containers, instances. The local stack takes any credentials, so unless the environment has some
//! they are made up for it, and a profile's are never sent to a port that anything could listen on.

use super::error::{AdminError, root};
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{Credentials, ProvideCredentials};
use clap::Args;
use shared::config::Tables;
use shared::store::Store;
use std::net::IpAddr;
use std::time::Duration;

/// Longest a call may take, repetitions included: an administrator waits, but not for ever.
const OPERATION: Duration = Duration::from_secs(20);

const STACK: &str = "gatelet";
const LOCAL_STACK: &str = "gatelet-local";
const LOCAL_REGION: &str = "eu-west-1";

/// Which deployment is meant.
#[derive(Args, Default)]
#[command(next_help_heading = "Deployment")]
pub(crate) struct Target {
    /// Stack whose tables are meant; wins over tables named one by one [default: gatelet, or gatelet-local on a loopback endpoint]
    #[arg(long, global = true, env = "GATELET_STACK", value_name = "NAME")]
    stack: Option<String>,

    /// Region of the tables [default: the region of the AWS profile]
    #[arg(long, global = true, env = "AWS_REGION", value_name = "REGION")]
    region: Option<String>,

    /// Another DynamoDB than the region's own; plain HTTP to this machine needs neither region nor credentials
    #[arg(long, global = true, env = "AWS_ENDPOINT_URL_DYNAMODB", value_name = "URL", value_parser = url)]
    endpoint_url: Option<String>,

    /// Only whether it is there: the credential chain reads it itself.
    #[arg(long, global = true, env = "AWS_ACCESS_KEY_ID", hide = true, hide_env_values = true)]
    access_key_id: Option<String>,

    #[command(flatten)]
    tables: TableNames,
}

/// Tables that are not named after a stack, in the variables that the functions have too.
#[derive(Args, Default)]
struct TableNames {
    /// Users table
    #[arg(
        long = "users-table",
        global = true,
        env = "GATELET_USERS_TABLE",
        value_name = "TABLE",
        hide_short_help = true
    )]
    users: Option<String>,

    /// Sessions table
    #[arg(
        long = "sessions-table",
        global = true,
        env = "GATELET_SESSIONS_TABLE",
        value_name = "TABLE",
        hide_short_help = true
    )]
    sessions: Option<String>,

    /// Applications table
    #[arg(
        long = "applications-table",
        global = true,
        env = "GATELET_APPLICATIONS_TABLE",
        value_name = "TABLE",
        hide_short_help = true
    )]
    applications: Option<String>,

    /// Signing-keys table
    #[arg(
        long = "signing-keys-table",
        global = true,
        env = "GATELET_SIGNING_KEYS_TABLE",
        value_name = "TABLE",
        hide_short_help = true
    )]
    signing_keys: Option<String>,

    /// Throttles table
    #[arg(
        long = "throttles-table",
        global = true,
        env = "GATELET_THROTTLES_TABLE",
        value_name = "TABLE",
        hide_short_help = true
    )]
    throttles: Option<String>,

    /// Flows table
    #[arg(
        long = "flows-table",
        global = true,
        env = "GATELET_FLOWS_TABLE",
        value_name = "TABLE",
        hide_short_help = true
    )]
    flows: Option<String>,
}

/// A deployment's tables, ready for use.
pub(crate) struct Deployment {
    pub(crate) store: Store,
    pub(crate) tables: Tables,
    /// Where they are, for messages: `in eu-west-1`.
    pub(crate) place: String,
}

impl Target {
    /// Finds credentials and region. No table is asked yet.
    pub(crate) async fn connect(&self) -> Result<Deployment, AdminError> {
        let sdk_config = self.loader().load().await;
        let region = sdk_config.region().ok_or(AdminError::NoRegion)?;
        check_credentials(&sdk_config).await?;
        let endpoint = present(self.endpoint_url.as_ref());
        let place = endpoint.map_or_else(|| format!("in {region}"), |endpoint| format!("at {endpoint}"));
        let tables = self.tables();
        Ok(Deployment { store: Store::new(&Client::new(&sdk_config), &tables), tables, place })
    }

    fn loader(&self) -> ConfigLoader {
        let timeouts = TimeoutConfig::builder().operation_timeout(OPERATION).build();
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts);
        if let Some(endpoint) = present(self.endpoint_url.as_ref()) {
            loader = loader.endpoint_url(endpoint);
        }
        let local = self.is_loopback().then_some(LOCAL_REGION);
        if let Some(region) = present(self.region.as_ref()).or(local) {
            loader = loader.region(Region::new(region.to_owned()));
        }
        if self.is_loopback() && present(self.access_key_id.as_ref()).is_none() {
            loader = loader.credentials_provider(Credentials::new("local", "local", None, None, "local"));
        }
        loader
    }

    fn is_loopback(&self) -> bool {
        present(self.endpoint_url.as_ref()).is_some_and(is_loopback)
    }

    /// A stack that is asked for is meant, whatever variables of another deployment the shell still has.
    fn tables(&self) -> Tables {
        if let Some(stack) = present(self.stack.as_ref()) {
            return Tables::of_stack(stack);
        }
        let default = Tables::of_stack(if self.is_loopback() { LOCAL_STACK } else { STACK });
        let named = |name: &Option<String>, default| present(name.as_ref()).map_or(default, str::to_owned);
        let TableNames { users, sessions, applications, signing_keys, throttles, flows } = &self.tables;
        Tables {
            users: named(users, default.users),
            sessions: named(sessions, default.sessions),
            applications: named(applications, default.applications),
            signing_keys: named(signing_keys, default.signing_keys),
            throttles: named(throttles, default.throttles),
            flows: named(flows, default.flows),
        }
    }
}

/// Asks the credential chain now, so that a missing sign-in is said as such and not as a call that failed.
async fn check_credentials(sdk_config: &SdkConfig) -> Result<(), AdminError> {
    let Some(chain) = sdk_config.credentials_provider() else {
        return Ok(());
    };
    let reason = match chain.provide_credentials().await {
        Ok(_) => return Ok(()),
        Err(CredentialsError::CredentialsNotLoaded(_)) => "none are configured".to_owned(),
        Err(error) => root(&error),
    };
    Err(AdminError::NoCredentials { reason })
}

/// An empty variable counts as absent, as it does for the functions.
fn present(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|value| !value.is_empty())
}

fn url(text: &str) -> Result<String, String> {
    let known = text.is_empty() || text.starts_with("http://") || text.starts_with("https://");
    known.then(|| text.to_owned()).ok_or_else(|| "not an http:// or https:// URL".to_owned())
}

/// Whether `url` is plain HTTP to this machine.
fn is_loopback(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split('/').next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => authority.split(':').next(),
    };
    host.is_some_and(|host| host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback()))
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Target {
        pub(in crate::admin) fn at(endpoint_url: &str, stack: &str) -> Self {
            Self { stack: Some(stack.to_owned()), endpoint_url: Some(endpoint_url.to_owned()), ..Self::default() }
        }
    }

    #[test]
    fn only_plain_http_to_this_machine_is_the_local_stack() {
        for (url, loopback) in [
            ("http://127.0.0.1:8000", true),
            ("http://localhost:8000/", true),
            ("http://[::1]:8000", true),
            ("http://127.0.0.1", true),
            ("https://127.0.0.1:8000", false),
            ("http://127.0.0.1.example.com", false),
            ("http://localhost.example.com", false),
            ("https://dynamodb.eu-west-1.amazonaws.com", false),
            ("http://", false),
        ] {
            assert_eq!(is_loopback(url), loopback, "{url}");
        }
    }

    #[test]
    fn a_stack_wins_over_tables_and_tables_over_the_default() {
        let some = |text: &str| Some(text.to_owned());
        let tables = TableNames { users: some("people"), sessions: some(""), ..TableNames::default() };
        let target = Target { tables, ..Target::default() };
        assert_eq!((target.tables().users, target.tables().sessions), ("people".into(), "gatelet-sessions".into()));

        let target = Target { stack: some("prod"), ..target };
        assert_eq!(target.tables(), Tables::of_stack("prod"));

        let target = Target { endpoint_url: some("http://127.0.0.1:8000"), ..Target::default() };
        assert_eq!(target.tables(), Tables::of_stack("gatelet-local"));
    }
}
