//! Says where everything is: to programs by files, to people by a few lines.

use super::seed::Seeded;
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::Write;
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
    /// The example provider's issuer, if it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) provider: Option<String>,
}

impl Ready {
    /// Writes the ready file. It appears complete or not at all, and only its owner can read the keys in it.
    pub(crate) fn write(&self, path: &Path) -> std::io::Result<()> {
        write_private(path, &serde_json::to_vec(self)?)
    }

    /// What a person wants to see first.
    pub(crate) fn banner(&self) -> String {
        let url = &self.base_url;
        let mut lines = vec![
            String::new(),
            format!("Gatelet is ready at {url}"),
            String::new(),
            format!("  sample app  {url}/app/"),
            format!("  API         {url}/docs/"),
        ];
        lines.extend(self.provider.as_ref().map(|issuer| format!("  provider    {issuer} (sign in as anybody)")));
        lines.push(String::new());
        for (name, application) in &self.applications {
            lines.push(format!("  {name:<8}  publishable key  {}", application.publishable_key));
            lines.push(format!("  {:<8}  secret key       {}", "", application.secret_key));
        }
        if let Some(legacy) = self.applications.get("legacy") {
            lines.extend([
                String::new(),
                "Make an account:".to_owned(),
                String::new(),
                self.example(&legacy.publishable_key),
            ]);
        }
        lines.extend([String::new(), "Ctrl-C stops it.".to_owned()]);
        lines.join("\n")
    }

    fn example(&self, key: &str) -> String {
        let url = format!("{}/api/v1/auth/register", self.base_url);
        let body = r#"{"user_id": "alice", "user_secret": "nine teal kettles sing"}"#;
        format!("  curl -sS {url} \\\n    -H 'Api-Key: {key}' \\\n    -H 'Content-Type: application/json' -d '{body}'")
    }
}

/// Writes `KEY=VALUE` lines.
pub(crate) fn write_environment(path: &Path, variables: &BTreeMap<String, String>) -> std::io::Result<()> {
    let lines: Vec<String> = variables.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    write_private(path, lines.concat().as_bytes())
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
