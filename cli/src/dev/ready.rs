//! Says where everything is: to programs by files, to people by a few lines.

use super::seed::Seeded;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Where a running stack is.
#[derive(Serialize)]
pub(crate) struct Ready {
    pub(crate) base_url: String,
    pub(crate) dynamodb_endpoint: String,
    pub(crate) region: String,
    /// Table names by what they are for.
    pub(crate) tables: BTreeMap<String, String>,
    /// The example applications by name.
    pub(crate) applications: BTreeMap<String, Seeded>,
}

impl Ready {
    /// Writes the ready file. It appears complete or not at all, and only its owner can read the keys in it.
    pub(crate) fn write(&self, path: &Path) -> std::io::Result<()> {
        write_private(path, &serde_json::to_vec(self)?)
    }

    /// What a person wants to see first.
    pub(crate) fn banner(&self) -> String {
        let mut text = format!("\nGatelet is ready at {}\n\n", self.base_url);
        let width = self.applications.values().map(|application| application.publishable_key.len()).max().unwrap_or_default();
        let _ = writeln!(text, "  {:<11}  {:<width$}  secret key", "application", "publishable key");
        for (name, application) in &self.applications {
            let _ = writeln!(text, "  {name:<11}  {:<width$}  {}", application.publishable_key, application.secret_key);
        }
        if let Some(legacy) = self.applications.get("legacy") {
            let _ = write!(
                text,
                "\nTry it:\n\n  curl -sS {}/api/v1/auth/register -H 'Api-Key: {}' -H 'Content-Type: application/json' \\\n    -d '{}'\n",
                self.base_url, legacy.publishable_key, r#"{"user_id": "alice", "user_secret": "nine teal kettles sing"}"#,
            );
        }
        text + "\nCtrl-C stops it.\n"
    }
}

/// `KEY=VALUE` lines.
pub(crate) fn write_environment(path: &Path, variables: &BTreeMap<String, String>) -> std::io::Result<()> {
    let lines: String = variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    write_private(path, lines.as_bytes())
}

/// Writes a file that only its owner can read, at once: beside its place first, then moved there.
pub(crate) fn write_private(path: &Path, contents: &[u8]) -> std::io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&draft)?.write_all(contents)?;
    std::fs::rename(&draft, path)
}
