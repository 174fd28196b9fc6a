//! The database: the embedded one, started here, or another.
//!
//! The embedded one never deletes expired items by itself (only a call of `Database::sweep_ttl` does). AWS deletes them days late, so
//! code that is right must work with them present; this way it is always tried.

use super::aws::Aws;
use super::guard::Guard;
use super::options::DatabaseOptions;
use super::server;
use dynoxide::Database;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// There is no database.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    #[error("cannot listen on port {port} for DynamoDB; choose another with --dynamodb-port")]
    Port { port: u16, source: std::io::Error },
    #[error("cannot use the data directory {}", path.display())]
    Directory { path: PathBuf, source: std::io::Error },
    #[error("the data directory {} is in use by another local stack", .0.display())]
    InUse(PathBuf),
    #[error("the embedded DynamoDB does not start: {0}")]
    Embedded(#[from] dynoxide::DynoxideError),
}

/// A database that can be spoken to, for as long as this lives.
pub(crate) struct Connected {
    pub(crate) aws: Aws,
    /// Keeps other stacks away from the data directory.
    _lock: Option<File>,
}

/// Starts the embedded database unless the options name another.
pub(crate) async fn start(options: &DatabaseOptions) -> Result<Connected, DatabaseError> {
    if let Some(endpoint) = &options.dynamodb_endpoint {
        return Ok(Connected { aws: Aws::outside(endpoint.clone(), options), _lock: None });
    }
    let port = options.dynamodb_port;
    let failed = |source| DatabaseError::Port { port, source };
    let listener = server::bind(port).await.map_err(failed)?;
    let endpoint = format!("http://{}", listener.local_addr().map_err(failed)?);
    let (database, lock) = match &options.data {
        None => (Database::memory()?, None),
        Some(directory) => {
            let lock = lock(directory)?;
            (Database::new(&directory.join("dynamodb.sqlite").to_string_lossy())?, Some(lock))
        }
    };
    tokio::spawn(server::serve(listener, Arc::new(Guard::new(database))));
    Ok(Connected { aws: Aws::embedded(endpoint, &options.region), _lock: lock })
}

/// Makes `directory`. It holds private keys, so nobody else may look inside.
fn make_private(directory: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Makes `directory` and takes it for this process.
fn lock(directory: &Path) -> Result<File, DatabaseError> {
    let failed = |source| DatabaseError::Directory { path: directory.to_owned(), source };
    make_private(directory).map_err(failed)?;
    let file = File::create(directory.join("lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DatabaseError::InUse(directory.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}
