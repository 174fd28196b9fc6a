//! Lambda entry point of [`functions::logout`].

use functions::logout;
use shared::{config::Config, gate::TokenGate, http, keyring::SealingRing, store::Store, world::System};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Error> {
    let config = Config::from_env()?;
    let store = Store::connect(&config);
    let (gate, sealing) =
        tokio::try_join!(TokenGate::load(&config, &store, &System), SealingRing::load(&store.signing_keys, &System),)?;

    http::serve(|request| logout::handle(request, &store.applications, &store.sessions, &gate, &sealing, &System)).await
}
