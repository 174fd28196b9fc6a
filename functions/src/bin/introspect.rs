//! Lambda entry point of [`functions::introspect`].

use functions::introspect;
use shared::{config::Config, gate::Gate, http, keyring::SealingRing, store::Store, world::System};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Error> {
    let config = Config::from_env()?;
    let store = Store::connect(&config);
    let (gate, sealing) =
        tokio::try_join!(Gate::load(&config, &store, &System), SealingRing::load(&store.signing_keys, &System),)?;

    http::serve_oauth(|request| introspect::handle(request, &store.applications, &gate, &sealing, &System)).await
}
