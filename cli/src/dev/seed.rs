//! What a fresh stack needs before anybody can sign in: signing keys, and three example applications.
//!
//! | application | tokens | access | refresh |
//! |---|---|---|---|
//! | `web` | in cookies | 20 min | 72 h, rotating |
//! | `service` | in the body | 20 min | 72 h, rotating |
//! | `legacy` | in the body | 1 h | 30 d, does not rotate |
//!
//! The database holds hashes of API keys only. Where data outlives the stack, the keys are therefore kept in a file beside it, so that the
//! next start prints the same ones; settings follow the options of each start.

use super::options::{DatabaseOptions, DefaultApplication, SeedOptions};
use super::ready::write_private;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use shared::access_token::Algorithm;
use shared::api_key::{ApiKey, KeyKind};
use shared::application::{Application, StoredKey, TokenDelivery};
use shared::ids::ApplicationId;
use shared::rotation::{self, Purpose, RotationError};
use shared::store::{SaveError, SigningKeys, Store, StoreError};
use shared::world::{System, World};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);
const MONTH: Duration = Duration::from_hours(30 * 24);

/// The origin of a page under development (Vite's), beside the stack's own.
const PAGE_ORIGIN: &str = "http://localhost:5173";

/// Where pages of a stack at `base_url` are loaded from, under both names of this machine.
pub(crate) fn page_origins(base_url: &str) -> Vec<String> {
    vec![PAGE_ORIGIN.to_owned(), base_url.to_owned(), base_url.replace("127.0.0.1", "localhost")]
}

/// Where sign-ins at a provider may end: at such a page, or in an app that has a scheme of its own.
fn return_addresses(base_url: &str) -> Vec<String> {
    let pages = page_origins(base_url).into_iter().flat_map(|origin| {
        let app = format!("{origin}/app/");
        [app, format!("{origin}/"), format!("{origin}/callback")]
    });
    pages.chain(["com.example.app:/callback".to_owned()]).collect()
}

/// The stack can't be made ready for use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SeedError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keys(#[from] RotationError),
    #[error(transparent)]
    Save(#[from] SaveError),
    #[error("cannot keep the example keys in {}", path.display())]
    File { path: PathBuf, source: std::io::Error },
}

/// An example application as it is shown.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Seeded {
    pub(crate) application_id: String,
    pub(crate) publishable_key: String,
    pub(crate) secret_key: String,
}

/// The example applications by name.
pub(crate) type Applications = BTreeMap<String, Seeded>;

/// The file in which keys outlive the stack: beside the data, or for another database in the target directory, one for each stack in each
/// database. `None` for data in memory.
pub(crate) fn kept(database: &DatabaseOptions, stack: &str, target_directory: &Path) -> Option<PathBuf> {
    if let Some(directory) = &database.data {
        return Some(directory.join("applications.json"));
    }
    let endpoint = database.dynamodb_endpoint.as_ref()?.trim_end_matches('/');
    let endpoint = utf8_percent_encode(endpoint, NON_ALPHANUMERIC);
    Some(target_directory.join(format!("gatelet/{stack}@{endpoint}-applications.json")))
}

/// Makes what is missing, keys for `algorithm` first. `kept` is the file in which keys outlive the stack.
pub(crate) async fn seed(
    store: &Store,
    options: &SeedOptions,
    base_url: &str,
    kept: Option<&Path>,
    algorithm: Algorithm,
) -> Result<Applications, SeedError> {
    make_keys(&store.signing_keys, algorithm).await?;
    let mut applications = kept.and_then(read).unwrap_or_default();
    for name in ["web", "service", "legacy"] {
        let seeded = seed_application(store, options, base_url, name, applications.remove(name)).await?;
        applications.insert(name.to_owned(), seeded);
    }
    if let Some(path) = kept {
        write(path, &applications).map_err(|source| SeedError::File { path: path.to_owned(), source })?;
    }
    Ok(applications)
}

/// The id of the application that serves requests without a key; empty for none.
pub(crate) fn default_id(applications: &Applications, choice: DefaultApplication) -> String {
    let name = match choice {
        DefaultApplication::Web => "web",
        DefaultApplication::Service => "service",
        DefaultApplication::Legacy => "legacy",
        DefaultApplication::None => return String::new(),
    };
    applications.get(name).map(|application| application.application_id.clone()).unwrap_or_default()
}

async fn make_keys(keys: &SigningKeys, algorithm: Algorithm) -> Result<(), SeedError> {
    let stored = keys.list().await?;
    let lacks = |signing| !stored.iter().any(|key| key.purpose.is_signing() == signing);
    if lacks(true) {
        rotation::create(keys, Purpose::Signing(algorithm), &System).await?;
    }
    if lacks(false) {
        rotation::create(keys, Purpose::Sealing, &System).await?;
    }
    Ok(())
}

/// Brings a kept application up to date, or makes it anew if the database doesn't have it.
async fn seed_application(
    store: &Store,
    options: &SeedOptions,
    base_url: &str,
    name: &str,
    kept: Option<Seeded>,
) -> Result<Seeded, SeedError> {
    if let Some(kept) = kept
        && let Ok(id) = kept.application_id.parse::<ApplicationId>()
        && let Some((stored, version)) = store.applications.find(id).await?
    {
        let application =
            Application { keys: stored.keys, created_at: stored.created_at, ..configured(name, id, options, base_url) };
        store.applications.save(&application, Some(version)).await?;
        return Ok(kept);
    }
    let id = ApplicationId::random(&System);
    let mut application = configured(name, id, options, base_url);
    let mut make = |kind| {
        let (key, hash) = ApiKey::generate(kind, id, &System);
        application.keys.push(StoredKey { kind, hash, created_at: application.created_at });
        key.into_exposed()
    };
    let (publishable_key, secret_key) = (make(KeyKind::Publishable), make(KeyKind::Secret));
    store.applications.save(&application, None).await?;
    Ok(Seeded { application_id: id.to_string(), publishable_key, secret_key })
}

/// An example application with the settings of this start. They are not validated: a test wants lifetimes shorter than sense allows.
fn configured(name: &str, id: ApplicationId, options: &SeedOptions, base_url: &str) -> Application {
    let mut application = Application::new(id, name.to_owned(), System.now());
    application.allowed_return_to = return_addresses(base_url);
    match name {
        "web" => {
            application.delivery = TokenDelivery::Cookie;
            application.allowed_origins = page_origins(base_url);
        }
        "legacy" => {
            application.access_lifetime = HOUR;
            application.refresh.rotation = false;
            application.refresh.idle = MONTH;
            application.refresh.absolute = MONTH;
        }
        _ => {}
    }
    let chosen = |seconds: Option<u64>, default| seconds.map_or(default, Duration::from_secs);
    application.access_lifetime = chosen(options.access_lifetime, application.access_lifetime);
    application.refresh.idle = chosen(options.refresh_idle, application.refresh.idle);
    application.refresh.absolute = chosen(options.refresh_absolute, application.refresh.absolute);
    application.refresh.grace = chosen(options.grace.or(options.strict.then_some(0)), application.refresh.grace);
    application.refresh.recovery &= !(options.no_recovery || options.strict);
    application
}

/// The kept applications; a file that can't be read is as good as none.
fn read(path: &Path) -> Option<Applications> {
    serde_json::from_slice(&std::fs::read(path).ok()?).ok()
}

fn write(path: &Path, applications: &Applications) -> std::io::Result<()> {
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    write_private(path, &serde_json::to_vec_pretty(applications)?)
}

#[cfg(test)]
#[path = "seed_tests.rs"]
mod tests;
