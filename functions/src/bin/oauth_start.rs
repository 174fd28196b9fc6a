//! Lambda entry point of [`functions::oauth_start`].

use functions::oauth_start::{self, Start};
use shared::{config::Config, http, keyring::SealingRing, store::Store, world::System};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Error> {
    let config = Config::from_env()?;
    let store = Store::connect(&config);
    let sealing = SealingRing::load(&store.signing_keys, &System).await?;
    let start = Start::new(config, sealing)?;

    http::serve(|request| {
        let Store { applications, throttles, flows, .. } = &store;
        oauth_start::handle(request, applications, throttles, flows, &start, &System)
    })
    .await
}
