//! What Gatelet's functions have in common.
//!
//! From the inside out: words ([`ids`], [`user`], [`session`], [`application`]), the protocol ([`protocol`],
//! [`refresh_token`],
//! [`access_token`], [`api_key`], [`password`], [`throttle`]), what composes them ([`keyring`], [`rotation`], [`issuer`], [`live`], [`gate`]), and the two
//! edges, [`store`] and [`http`], which alone know DynamoDB and Lambda.

pub mod access_token;
pub mod api_key;
pub mod application;
pub mod audit;
pub mod config;
pub mod device_token;
pub mod federation;
pub mod flow;
#[cfg(test)]
mod fuzz;
pub mod gate;
pub mod http;
pub mod identity;
pub mod ids;
pub mod issuer;
pub mod keyring;
pub mod keys;
pub mod live;
pub mod log;
pub mod mac;
pub mod metrics;
pub mod note;
pub mod opening;
pub mod password;
pub mod problem;
pub mod protocol;
pub mod provider;
pub mod refresh_token;
pub mod rotation;
pub mod secret;
pub mod session;
pub mod store;
pub mod throttle;
pub mod user;
pub mod user_id;
pub mod world;
