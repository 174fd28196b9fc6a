//! Applications.
//!
//! What an item holds stands at the head of [`super::application_item`].
//!
//! A key's hash stands in its application's item, and a key names its application: one read finds both, and the limit of
//! two keys of a kind is one conditional write.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_dynamodb::operation::put_item::PutItemError;

use super::{
    StoreError, Table, application_item,
    item::{number, string},
};
use crate::{
    api_key::{ApiKey, KeyKind},
    application::Application,
    ids::ApplicationId,
    world::Timestamp,
};

/// How long a function instance answers from memory. A revoked key or a changed setting is in force everywhere after
/// this time.
pub const CACHED_FOR: Duration = Duration::from_mins(1);

/// The applications table, read through a small cache.
#[derive(Debug)]
pub struct Applications {
    table: Table,
    default: Option<ApplicationId>,
    cache: Mutex<HashMap<ApplicationId, Cached>>,
}

#[derive(Debug)]
struct Cached {
    read_at: Timestamp,
    application: Arc<Application>,
}

/// Who sends a request.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The application that the request names, or the default one.
    pub application: Arc<Application>,
    /// Whether it proved itself with its secret key.
    pub authenticated: bool,
}

/// A request's application could not be told.
#[derive(Debug, thiserror::Error)]
pub enum IdentifyError {
    /// The key is malformed, unknown or revoked.
    #[error("unknown API key")]
    UnknownKey,
    /// There is no key, and the deployment has no default application.
    #[error("no API key")]
    NoKey,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An application was not stored.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// It was changed by somebody else since it was read, or exists already.
    #[error("the application was changed meanwhile, try again")]
    Changed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Applications {
    pub(super) fn new(table: Table) -> Self {
        Self { table, default: None, cache: Mutex::default() }
    }

    /// Serves requests without a key as `default`.
    #[must_use]
    pub fn with_default(self, default: Option<ApplicationId>) -> Self {
        Self { default, ..self }
    }

    /// Whose request it is that carries `key`.
    ///
    /// # Errors
    ///
    /// [`IdentifyError`]; a key that is mistyped costs no read.
    pub async fn identify(&self, key: Option<&str>, now: Timestamp) -> Result<Caller, IdentifyError> {
        let Some(key) = key else {
            let default = self.default.ok_or(IdentifyError::NoKey)?;
            let application = self.cached(default, now).await?.ok_or(IdentifyError::NoKey)?;
            return Ok(Caller { application, authenticated: false });
        };
        let key = ApiKey::parse(key).map_err(|_| IdentifyError::UnknownKey)?;
        match self.cached(key.application_id(), now).await? {
            Some(application) if application.accepts(&key) => {
                Ok(Caller { application, authenticated: key.kind() == KeyKind::Secret })
            }
            _ => Err(IdentifyError::UnknownKey),
        }
    }

    /// The application `id`, through the cache.
    pub async fn cached(&self, id: ApplicationId, now: Timestamp) -> Result<Option<Arc<Application>>, StoreError> {
        if let Some(application) = self.remembered(id, now) {
            return Ok(Some(application));
        }
        let application = self.find(id).await?.map(|(application, _)| Arc::new(application));
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        // Only those that exist: whoever invents ids must not be able to push them out.
        match &application {
            Some(known) => cache.insert(id, Cached { read_at: now, application: Arc::clone(known) }),
            None => cache.remove(&id),
        };
        Ok(application)
    }

    fn remembered(&self, id: ApplicationId, now: Timestamp) -> Option<Arc<Application>> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = cache.get(&id).filter(|cached| now.since(cached.read_at) < CACHED_FOR)?;
        Some(Arc::clone(&cached.application))
    }

    /// Reads an application and the number of its changes, past the cache.
    pub async fn find(&self, id: ApplicationId) -> Result<Option<(Application, u64)>, StoreError> {
        let answer = self
            .table
            .client
            .get_item()
            .table_name(&self.table.name)
            .key("pk", string(application_item::pk(id)))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk("GetItem", error))?;
        answer.item().map(|item| application_item::read(&self.table.name, item)).transpose()
    }

    /// All applications. This scans: it is for the command line, never for a request.
    pub async fn list(&self) -> Result<Vec<Application>, StoreError> {
        let mut pages = self.table.client.scan().table_name(&self.table.name).into_paginator().send();
        let mut applications = Vec::new();
        while let Some(page) = pages.next().await {
            for item in page.map_err(|error| StoreError::from_sdk("Scan", error))?.items() {
                applications.push(application_item::read(&self.table.name, item)?.0);
            }
        }
        Ok(applications)
    }

    /// Stores a new application, or one that was read as `version`.
    ///
    /// # Errors
    ///
    /// [`SaveError::Changed`] if it is no longer as it was read.
    pub async fn save(&self, application: &Application, version: Option<u64>) -> Result<(), SaveError> {
        let put = self
            .table
            .client
            .put_item()
            .table_name(&self.table.name)
            .set_item(Some(application_item::write(application, version.map_or(1, |version| version + 1))));
        let put = match version {
            None => put.condition_expression("attribute_not_exists(pk)"),
            Some(version) => {
                put.condition_expression("version = :version").expression_attribute_values(":version", number(version))
            }
        };
        put.send().await.map(drop).map_err(|error| match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(_)) => SaveError::Changed,
            _ => StoreError::from_sdk("PutItem", error).into(),
        })
    }
}
