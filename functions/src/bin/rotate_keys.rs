//! Lambda entry point of [`functions::rotate_keys`].

use functions::rotate_keys;
use shared::{config::Config, http, store::Store, world::System};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Error> {
    let config = Config::from_env()?;
    let store = Store::connect(&config);

    http::serve_schedule(|| rotate_keys::handle(&store.signing_keys, config.rotation, &System)).await
}
