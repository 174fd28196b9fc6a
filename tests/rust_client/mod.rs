//! The Rust client of `clients/rust` against the running stack.

mod example;
mod guarding;
mod introspecting;
mod keeping;
mod keys;
mod verifying;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use gatelet_client::Verifier;
use shared::world::World;
use tokio::net::TcpListener;

pub use self::keys::verifier_at;
use crate::support::{App, Clock, Person};

/// The stack's issuer, which is where it is.
fn issuer(app: &App) -> String {
    app.url("/api/v1/auth")
}

fn verifier(app: &App) -> Verifier {
    Verifier::new(issuer(app)).expect("the issuer is on this machine")
}

/// The client goes by the test's clock.
#[derive(Clone)]
struct Same(Clock);

impl gatelet_client::Clock for Same {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.0.now().seconds())
    }
}

/// Serves on a free port until the test ends. The address.
async fn serve(service: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, service).await });
    format!("http://{address}")
}

/// Lets a person do this. It is in the tokens from the next sign-in or refresh on.
async fn grant(person: &Person, permission: &str) {
    let users = person.app.database.store().users;
    let user_key = person.user_key.parse().expect("a user key");
    let user = users.find(user_key).await.expect("the store answers").expect("the user is stored");
    let mut permissions = user.permissions.clone();
    permissions.add(permission).expect("a permission");
    assert!(users.set_permissions(&user, &permissions).await.expect("the store answers"));
}
