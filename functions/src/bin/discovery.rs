//! Lambda entry point of [`functions::discovery`].

use functions::discovery;
use shared::{config::Config, http};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), http::Error> {
    let config = Config::from_env()?;

    http::serve(|_| async { discovery::handle(&config) }).await
}
