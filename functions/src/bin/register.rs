//! Lambda entry point of [`functions::register`].

use functions::register::{self, Registration};
use shared::{config::Config, http, store::Store, world::System};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Error> {
    let config = Config::from_env()?;
    let store = Store::connect(&config);
    let registration = Registration::new(config);

    http::serve(|request| {
        register::handle(request, &store.applications, &store.users, &store.throttles, &registration, &System)
    })
    .await
}
