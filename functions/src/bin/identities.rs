//! Lambda entry point of [`functions::identities`].

use functions::identities;
use shared::{config::Config, gate::Gate, http, store::Store, world::System};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Error> {
    let config = Config::from_env()?;
    let store = Store::connect(&config);
    let gate = Gate::load(&config, &store, &System).await?;

    http::serve(|request| identities::handle(request, &store.applications, &gate, &store.flows, &System)).await
}
