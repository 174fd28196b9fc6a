#![doc = include_str!("../README.md")]

mod claims;
mod clock;
mod credential;
mod introspect;
mod issuer;
mod jwks;
mod layer;
mod problem;
mod refusal;
mod secret;
mod session;
mod token;
mod transport;
mod verifier;

#[cfg(test)]
mod testing;

pub use claims::{Claims, Scopes};
pub use clock::{Clock, SystemClock};
pub use introspect::{Active, IntrospectError, Introspector, IntrospectorBuilder};
pub use issuer::BuildError;
pub use jwks::{FRESH_BETWEEN, FRESH_FOR, RETRY_AFTER, STALE_FOR, UNKNOWN_KEY_EVERY};
pub use layer::{AuthLayer, AuthService};
pub use problem::{Code, Problem};
pub use secret::Secret;
pub use session::{
    MemoryStore, RefreshMiddleware, Session, SessionBuilder, SessionError, StoreError, TokenStore, Tokens,
};
pub use token::{InvalidToken, LEEWAY};
pub use transport::{ANSWER_LIMIT, TIMEOUT, Unavailable};
pub use verifier::{Verifier, VerifierBuilder, VerifyError};
