//! The database: the embedded one, started here, or another.
//!
//! The embedded one never deletes expired items by itself (only a call of `Database::sweep_ttl` does). AWS deletes them days late, so
//! code that is right must work with them present; this way it is always tried.

use super::aws::Aws;
use super::guard::Guard;
use super::options::DatabaseOptions;
use super::record::Record;
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
pub(crate) async fn start(options: &DatabaseOptions, record: &Arc<Record>) -> Result<Connected, DatabaseError> {
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
            (open(directory)?, Some(lock))
        }
    };
    tokio::spawn(server::serve(listener, Arc::new(Guard::new(database, Arc::clone(record)))));
    Ok(Connected { aws: Aws::embedded(endpoint, &options.region), _lock: lock })
}

/// Opens the database in `directory`, which others may be able to look into: its files are private by themselves. New journals get the mode
/// of the database; those that a killed process left are made private with it.
fn open(directory: &Path) -> Result<Database, DatabaseError> {
    let failed = |source| DatabaseError::Directory { path: directory.to_owned(), source };
    let path = directory.join("dynamodb.sqlite");
    make_private_file(&path).map_err(failed)?;
    let journals = ["dynamodb.sqlite-wal", "dynamodb.sqlite-shm"].map(|name| directory.join(name));
    for journal in journals.iter().filter(|journal| journal.exists()) {
        make_private_file(journal).map_err(failed)?;
    }
    Ok(Database::new(&path.to_string_lossy())?)
}

/// Makes the file, or takes it away from others.
fn make_private_file(path: &Path) -> std::io::Result<()> {
    let mut options = File::options();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    drop(file);
    Ok(())
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

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_data_is_private_in_an_open_directory_too() {
        let directory = std::env::temp_dir().join(format!("gatelet-data-{}", std::process::id()));
        std::fs::create_dir(&directory).unwrap();
        std::fs::set_permissions(&directory, Permissions::from_mode(0o755)).unwrap();
        let shared = directory.join("dynamodb.sqlite");
        std::fs::write(&shared, "").unwrap();
        std::fs::set_permissions(&shared, Permissions::from_mode(0o644)).unwrap();

        let lock = lock(&directory).unwrap();
        let database = open(&directory).unwrap();
        let files = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap());
        let files: Vec<_> = files.filter(|file| file.file_name() != "lock").collect();
        assert!(files.len() > 1, "the database has journals: {files:?}");
        for file in files {
            assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
        }
        drop((database, lock));
        std::fs::remove_dir_all(directory).unwrap();
    }
}
