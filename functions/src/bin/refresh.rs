//! Lambda entry point of [`functions::refresh`].

use functions::refresh;
use shared::{config::Config, http, issuer::Issuer, store::Store, world::System};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Error> {
    let config = Config::from_env()?;
    let store = Store::connect(&config);
    let issuer = Issuer::load(&config, &store.signing_keys, &System).await?;

    http::serve(|request| {
        refresh::handle(request, &store.applications, &store.sessions, &store.users, &issuer, config.cookies, &System)
    })
    .await
}
