//! How often somebody may try: the policy, without clock or store.
//!
//! Failures are counted for each account, and an account waits longer after each: NIST SP 800-63B-4 §3.2.2 wants at most
//! [`CEILING`] in a row. Attempts are counted for each source address in windows of a fixed length, because whoever tries
//! one password on many accounts never fails twice on one.

use std::{fmt, net::IpAddr, time::Duration};

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::{
    ids::{DeviceId, UserKey},
    world::Timestamp,
};

/// Failures in a row that cost nothing: people mistype.
pub const FREE: u32 = 5;

/// Failures in a row after which the password no longer opens the account, whoever has it (NIST SP 800-63B-4 §3.2.2).
pub const CEILING: u32 = 100;

/// The longest that an account below the ceiling waits.
pub const MAX_DELAY: Duration = Duration::from_mins(15);

/// How long a counter is kept after the last attempt that it counted. A year, so that time is no way around the ceiling.
pub const KEPT_FOR: Duration = Duration::from_hours(365 * 24);

/// How long an account waits after its `failures`th failure in a row: 2^(n−5) seconds from the fifth on.
#[must_use]
pub fn delay(failures: u32) -> Duration {
    match failures.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(beyond) => Duration::from_secs(2_u64.saturating_pow(beyond)).min(MAX_DELAY),
    }
}

/// The failures after which the delay no longer grows.
#[must_use]
pub fn longest_from() -> u32 {
    (FREE..CEILING).find(|failures| delay(*failures) == MAX_DELAY).unwrap_or(CEILING)
}

/// Whose failures are counted together. Each has its own counter, so that none uses up another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guesser {
    /// A device in which the account's owner has signed in before.
    Device(DeviceId),
    /// Everybody else who tries this account.
    Stranger(UserKey),
    /// Whoever tries a name that is nobody's: it is throttled like one that is somebody's. Only its digest is stored, since
    /// people type passwords into the wrong field.
    Nobody([u8; 32]),
}

impl Guesser {
    /// Somebody who tries the name `name`, which is nobody's.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        let digest = digest::digest(&digest::SHA256, name.as_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest.as_ref());
        Self::Nobody(bytes)
    }
}

impl fmt::Display for Guesser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(id) => write!(f, "device#{id}"),
            Self::Stranger(key) => write!(f, "account#{key}"),
            Self::Nobody(digest) => write!(f, "account#{}", URL_SAFE_NO_PAD.encode(digest)),
        }
    }
}

/// Where a request comes from, as far as it is told apart: an IPv4 address, or the first 64 bits of an IPv6 address, which
/// is the least that one customer of a network gets (RFC 6177 §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source(Option<IpAddr>);

impl Source {
    /// The source of a request that the gateway saw come from `address`. All that have no address are one.
    #[must_use]
    pub fn of_address(address: Option<&str>) -> Self {
        let address: Option<IpAddr> = address.and_then(|address| address.parse().ok());
        Self(address.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::from((address.to_bits() & (u128::MAX << 64)).to_be_bytes()),
            address @ IpAddr::V4(_) => address,
        }))
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("unknown"),
            Some(IpAddr::V4(address)) => address.fmt(f),
            Some(IpAddr::V6(prefix)) => write!(f, "{prefix}/64"),
        }
    }
}

/// What is counted for each source address, each for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// Attempts to sign in.
    SignIns,
    /// Registrations.
    Registrations,
    /// Sign-ins at providers that begin.
    Flows,
}

impl Counted {
    /// The length of the windows in which it is counted.
    #[must_use]
    pub const fn window(self) -> Duration {
        match self {
            Self::SignIns | Self::Flows => Duration::from_mins(5),
            Self::Registrations => Duration::from_hours(1),
        }
    }

    /// When the window began that `now` lies in.
    #[must_use]
    pub const fn window_start(self, now: Timestamp) -> Timestamp {
        let length = self.window().as_secs();
        Timestamp::from_seconds(now.seconds() / length * length)
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SignIns => "source",
            Self::Registrations => "register",
            Self::Flows => "flow",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_from_the_fifth_failure_to_a_quarter_of_an_hour() {
        let delays: Vec<_> = (0..=16).map(|failures| delay(failures).as_secs()).collect();
        assert_eq!(delays, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        assert_eq!(delay(CEILING).as_secs(), 900);
        assert_eq!(longest_from(), 15);
    }

    #[test]
    fn a_source_is_an_ipv4_address_or_an_ipv6_network() {
        for (address, source) in [
            (Some("192.0.2.7"), "192.0.2.7"),
            (Some("::ffff:192.0.2.7"), "192.0.2.7"),
            (Some("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64"),
            (Some("2001:db8:1:2::"), "2001:db8:1:2::/64"),
            (Some("2001:db8:1:3::"), "2001:db8:1:3::/64"),
            (Some("192.0.2.7, 198.51.100.1"), "unknown"),
            (Some(""), "unknown"),
            (None, "unknown"),
        ] {
            assert_eq!(Source::of_address(address).to_string(), source, "{address:?}");
        }
    }

    #[test]
    fn a_name_is_not_stored() {
        let counter = Guesser::of_name("hunter2").to_string();
        assert!(counter.starts_with("account#") && !counter.contains("hunter2"), "{counter}");
        assert_ne!(counter, Guesser::of_name("hunter3").to_string());
    }

    #[test]
    fn a_window_begins_at_a_multiple_of_its_length() {
        let now = Timestamp::from_seconds(1_800_000_299);
        assert_eq!(Counted::SignIns.window_start(now).seconds(), 1_800_000_000);
        assert_eq!(Counted::Registrations.window_start(now).seconds(), 1_800_000_000);
        assert_eq!(Counted::SignIns.window_start(now.plus(Duration::from_secs(1))).seconds(), 1_800_000_300);
    }
}
