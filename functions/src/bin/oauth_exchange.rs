//! Lambda entry point of [`functions::oauth_exchange`].

use functions::oauth_exchange;
use shared::{config::Config, http, issuer::Issuer, opening::Opening, store::Store, world::System};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Error> {
    let config = Config::from_env()?;
    let store = Store::connect(&config);
    let issuer = Issuer::load(&config, &store.signing_keys, &System).await?;
    let opening = Opening::new(&config, issuer);

    http::serve(|request| {
        let Store { applications, users, sessions, flows, .. } = &store;
        oauth_exchange::handle(request, applications, users, sessions, flows, &opening, &System)
    })
    .await
}
