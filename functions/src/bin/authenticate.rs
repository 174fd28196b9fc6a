//! Lambda entry point of [`functions::authenticate`].

use functions::authenticate::{self, SignIn};
use shared::{config::Config, http, issuer::Issuer, store::Store, world::System};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Error> {
    let config = Config::from_env()?;
    let store = Store::connect(&config);
    let issuer = Issuer::load(&config, &store.signing_keys, &System).await?;
    let sign_in = SignIn::new(config, issuer);

    http::serve(|request| {
        let Store { applications, users, sessions, throttles, .. } = &store;
        authenticate::handle(request, applications, users, sessions, throttles, &sign_in, &System)
    })
    .await
}
