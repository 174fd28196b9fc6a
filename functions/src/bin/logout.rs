//! Lambda entry point of [`functions::logout`].

use functions::logout;
use shared::{config::Config, gate::TokenGate, http, store::Store, world::System};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Error> {
    let config = Config::from_env()?;
    let store = Store::connect(&config);
    let (gate, macs) = tokio::try_join!(TokenGate::load(&config, &store), store.signing_keys.macs())?;

    http::serve(|request| logout::handle(request, &store.applications, &store.sessions, &gate, &macs, &System)).await
}
