//! `gatelet app`: applications and their API keys.

mod keys;
mod settings;
mod view;

use super::answer::Answer;
use super::{ATTEMPTS, AdminError};
use keys::Kind;
use settings::{Changes, Settings};
use shared::api_key::KeyKind;
use shared::application::Application;
use shared::ids::ApplicationId;
use shared::store::{Applications, CACHED_FOR, SaveError};
use shared::world::{System, World as _};

/// What can be done with applications.
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Create an application, and print its two keys, the only time that they can be seen
    Create {
        /// A name for people, 1 to 64 characters
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// List all applications
    List,
    /// Show an application's settings and the fingerprints of its keys
    Show {
        /// The application's id
        id: ApplicationId,
    },
    /// Change the settings that are given; the others stay as they are
    Update {
        /// The application's id
        id: ApplicationId,
        #[command(flatten)]
        changes: Changes,
        #[command(flatten)]
        settings: Settings,
    },
    /// Add a key beside the one in use, so that it can be replaced without an outage; an application has at most two of a kind
    AddKey {
        /// The application's id
        id: ApplicationId,
        /// Publishable names the application, secret also proves it
        #[arg(long, value_enum)]
        kind: Kind,
    },
    /// Revoke a key. It stops working everywhere within 60 seconds
    RevokeKey {
        /// The application's id
        id: ApplicationId,
        /// The key's first eight hexadecimal digits, as `gatelet app show` lists them
        fingerprint: String,
    },
}

impl Command {
    pub(crate) async fn run(&self, applications: &Applications) -> Result<Answer, AdminError> {
        match self {
            Self::Create { name, settings } => create(applications, name, settings).await,
            Self::List => list(applications).await,
            Self::Show { id } => show(applications, *id).await,
            Self::Update { id, changes, settings } => update(applications, *id, changes, settings).await,
            Self::AddKey { id, kind } => keys::add(applications, *id, (*kind).into()).await,
            Self::RevokeKey { id, fingerprint } => keys::revoke(applications, *id, fingerprint).await,
        }
    }
}

async fn create(applications: &Applications, name: &str, settings: &Settings) -> Result<Answer, AdminError> {
    let id = ApplicationId::random(&System);
    let mut application = Application::new(id, name.to_owned(), System.now());
    settings.apply(&mut application);
    application.validate().map_err(AdminError::Setting)?;
    let publishable = keys::make(&mut application, KeyKind::Publishable)?;
    let secret = keys::make(&mut application, KeyKind::Secret)?;
    match applications.save(&application, None).await {
        // The id is random, so what is there already is this very write, which the SDK repeated when its answer got lost.
        Ok(()) | Err(SaveError::Changed) => Ok(view::created(&application, &publishable, &secret)),
        Err(SaveError::Store(error)) => Err(error.into()),
    }
}

async fn list(applications: &Applications) -> Result<Answer, AdminError> {
    let mut all = applications.list().await?;
    all.sort_by(|a, b| a.name.cmp(&b.name).then(a.id.cmp(&b.id)));
    Ok(view::listed(&all))
}

async fn show(applications: &Applications, id: ApplicationId) -> Result<Answer, AdminError> {
    let (application, _) = applications.find(id).await?.ok_or(AdminError::NoApplication(id))?;
    Ok(view::shown(&application, None))
}

async fn update(
    applications: &Applications,
    id: ApplicationId,
    changes: &Changes,
    settings: &Settings,
) -> Result<Answer, AdminError> {
    let (application, ()) = edit(applications, id, |application| {
        changes.apply(application);
        settings.apply(application);
        application.validate().map_err(AdminError::Setting)
    })
    .await?;
    let note = format!("New settings are in force everywhere within {} seconds.", CACHED_FOR.as_secs());
    Ok(view::shown(&application, Some(&note)))
}

/// Changes an application as it is now, again if somebody else did so at the same time. The settings are for `change` to
/// validate: a key must be revocable whatever state the settings are in.
async fn edit<T>(
    applications: &Applications,
    id: ApplicationId,
    change: impl Fn(&mut Application) -> Result<T, AdminError>,
) -> Result<(Application, T), AdminError> {
    for _ in 0..ATTEMPTS {
        let (stored, version) = applications.find(id).await?.ok_or(AdminError::NoApplication(id))?;
        let mut application = stored.clone();
        let result = change(&mut application)?;
        if application == stored {
            return Ok((application, result));
        }
        match applications.save(&application, Some(version)).await {
            Ok(()) => return Ok((application, result)),
            Err(SaveError::Changed) => {}
            Err(SaveError::Store(error)) => return Err(error.into()),
        }
    }
    Err(AdminError::Busy)
}
