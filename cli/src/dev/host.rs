//! The names that the local stack answers to.

use hyper::header::{self, HeaderMap};

/// A `Host` header's name without its port.
pub(crate) fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => name,
        _ => host,
    }
}

/// Whether a `Host` header means this machine. Any other name is refused, as API Gateway refuses a domain that is not the API's: a page that
/// points its own domain at 127.0.0.1 (DNS rebinding) gets nowhere.
fn is_local(host: &str) -> bool {
    let name = name(host);
    let port = host.strip_prefix(name).and_then(|rest| rest.strip_prefix(':'));
    ["localhost", "127.0.0.1", "[::1]"].contains(&name) && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

/// Whether a request's only `Host` means this machine.
pub(crate) fn is_addressed(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    host.is_some_and(is_local) && hosts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_names_are_local() {
        for host in ["localhost", "localhost:9000", "127.0.0.1:1", "[::1]", "[::1]:9000"] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "",
            "example.com",
            "localhost.evil.example",
            "127.0.0.1.evil.example:9000",
            "localhost:99999",
            "localhost:",
            "a b",
            "localhost,localhost",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }

    #[test]
    fn a_name_has_no_port() {
        for (host, expected) in
            [("localhost:9000", "localhost"), ("[::1]:9000", "[::1]"), ("[::1]", "[::1]"), ("a", "a")]
        {
            assert_eq!(name(host), expected);
        }
    }
}
