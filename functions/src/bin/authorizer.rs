//! Lambda entry point of [`functions::authorizer`].

use functions::authorizer;
use shared::{config::Config, gate::Gate, http, store::Store, world::System};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Error> {
    let config = Config::from_env()?;
    let gate = Gate::load(&config, &Store::connect(&config), &System).await?;

    http::serve_authorizer(|request| authorizer::handle(request, &gate, config.authorizer, &System)).await
}
