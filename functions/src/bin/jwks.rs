//! Lambda entry point of [`functions::jwks`].

use functions::jwks;
use shared::{config::Config, http, store::Store};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Error> {
    let config = Config::from_env()?;
    let keys = Store::connect(&config).signing_keys.published().await?;

    http::serve(|_| async { jwks::handle(&keys) }).await
}
