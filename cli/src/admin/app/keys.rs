//! An application's API keys: replaced one at a time, so that nobody is locked out meanwhile.

use super::{edit, view};
use crate::admin::AdminError;
use crate::admin::answer::Answer;
use clap::ValueEnum;
use shared::api_key::{ApiKey, KeyHash, KeyKind};
use shared::application::{Application, StoredKey};
use shared::ids::ApplicationId;
use shared::secret::Secret;
use shared::store::Applications;
use shared::world::{System, World as _};

/// [`KeyKind`] on the command line.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Kind {
    Publishable,
    Secret,
}

impl From<Kind> for KeyKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Publishable => Self::Publishable,
            Kind::Secret => Self::Secret,
        }
    }
}

/// A key that was just made. This is the only time that its text exists.
pub(super) struct NewKey {
    pub(super) kind: KeyKind,
    pub(super) text: Secret,
    pub(super) hash: KeyHash,
}

/// Makes a key and notes it in `application`, if there is room for one more.
pub(super) fn make(application: &mut Application, kind: KeyKind) -> Result<NewKey, AdminError> {
    let there = application.keys.iter().filter(|key| key.kind == kind);
    let fingerprints: Vec<_> = there.map(|key| key.hash.fingerprint()).collect();
    if fingerprints.len() >= Application::MAX_KEYS {
        return Err(AdminError::TooManyKeys { id: application.id, kind, fingerprints: fingerprints.join(", ") });
    }
    let (text, hash) = ApiKey::generate(kind, application.id, &System);
    application.keys.push(StoredKey { kind, hash: hash.clone(), created_at: System.now() });
    Ok(NewKey { kind, text, hash })
}

pub(super) async fn add(applications: &Applications, id: ApplicationId, kind: KeyKind) -> Result<Answer, AdminError> {
    let (_, key) = edit(applications, id, |application| make(application, kind)).await?;
    Ok(view::key_added(id, &key))
}

pub(super) async fn revoke(
    applications: &Applications,
    id: ApplicationId,
    fingerprint: &str,
) -> Result<Answer, AdminError> {
    let wanted = fingerprint.to_ascii_lowercase();
    let (_, revoked) = edit(applications, id, |application| {
        let keys = &mut application.keys;
        let found = keys.iter().position(|key| key.hash.fingerprint() == wanted);
        found.map(|at| keys.remove(at)).ok_or_else(|| AdminError::NoKey { id, fingerprint: fingerprint.to_owned() })
    })
    .await?;
    Ok(view::key_revoked(id, &revoked))
}
