//! Lambda entry point of [`functions::oauth_callback`].

use functions::oauth_callback::{self, Finish};
use shared::{config::Config, http, issuer::Issuer, opening::Opening, store::Store, world::System};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Error> {
    let config = Config::from_env()?;
    let store = Store::connect(&config);
    let issuer = Issuer::load(&config, &store.signing_keys, &System).await?;
    let opening = Opening::new(&config, issuer);
    let finish = Finish::new(config, opening)?;

    http::serve(|request| {
        let Store { applications, users, sessions, flows, .. } = &store;
        oauth_callback::handle(request, applications, users, sessions, flows, &finish, &System)
    })
    .await
}
