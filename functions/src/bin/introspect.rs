//! Lambda entry point of [`functions::introspect`].

use functions::introspect;
use shared::{config::Config, gate::Gate, http, store::Store, world::System};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Error> {
    let config = Config::from_env()?;
    let store = Store::connect(&config);
    let (gate, macs) = tokio::try_join!(Gate::load(&config, &store), store.signing_keys.macs())?;

    http::serve_oauth(|request| introspect::handle(request, &store.applications, &gate, &macs, &System)).await
}
