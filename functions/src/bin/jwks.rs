//! Lambda entry point of [`functions::jwks`].

use functions::jwks;
use shared::{config::Config, http, keyring::PublicRing, store::Store, world::System};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Error> {
    let config = Config::from_env()?;
    let keys = PublicRing::load(&Store::connect(&config).signing_keys, &System).await?;

    http::serve(|_| jwks::handle(&keys, &System)).await
}
