//! A second stack, set as a deployment would be.

use std::sync::LazyLock;

use super::{App, Options, Stack};

/// The issuer of [`App::deployed`].
pub const DEPLOYED_ISSUER: &str = "https://auth.example.com/api/v1/auth";

static DEPLOYED: LazyLock<&Stack> = LazyLock::new(|| {
    let issuer = format!("Issuer={DEPLOYED_ISSUER}");
    let arguments = ["--default-application", "none", "--parameter", "MaxSessions=3", "--parameter", &issuer];
    Stack::private(&Options { arguments: &arguments, ..Options::default() })
});

impl App {
    /// On a stack without a default application, where a user may have three sessions and the issuer is reached over HTTPS.
    pub fn deployed() -> Self {
        Self::on(*DEPLOYED)
    }
}
