//! Signing in at providers: npm's `oidc-provider`, which is not ours, and many that misbehave, each in one way (`tests/provider`).

mod accounts;
mod attacks;
mod codes;
mod keys;
mod linking;
mod misbehaving;
mod providers;
mod return_addresses;
mod signing_in;
mod traveller;

use providers::{Providers, place};
pub use traveller::challenge;
use traveller::{Traveller, query_of};
