//! X-Ray's tracing header, which API Gateway takes over from the caller or begins, and which Lambda hands on to functions.

use super::clock;
use hyper::HeaderMap;
use std::time::SystemTime;

/// The header's name at the gateway.
pub(crate) const HEADER: &str = "x-amzn-trace-id";

/// One trace. The local stack records none; it is here so that functions can be seen to pass it on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trace {
    root: String,
    sampled: bool,
}

impl Trace {
    /// The caller's trace, or a new one.
    pub(crate) fn of(headers: &HeaderMap, received: SystemTime) -> Self {
        let header = headers.get(HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let field = |name: &str| header.split(';').find_map(|field| field.trim().strip_prefix(name));
        let root = field("Root=").filter(|root| !root.is_empty()).map_or_else(|| fresh(received), str::to_owned);
        Self { root, sampled: field("Sampled=") == Some("1") }
    }

    /// As the gateway's event has it.
    pub(crate) fn root(&self) -> String {
        format!("Root={}", self.root)
    }

    /// As Lambda's Runtime API has it: with the id of a segment of Lambda's own.
    pub(crate) fn for_runtime(&self) -> String {
        format!("Root={};Parent={};Sampled={}", self.root, &random()[..16], u8::from(self.sampled))
    }
}

/// Version, seconds since the Unix epoch, 96 random bits.
fn fresh(received: SystemTime) -> String {
    format!("1-{:08x}-{}", clock::epoch_millis(received) / 1000, &random()[..24])
}

fn random() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    fn of(header: &'static str) -> Trace {
        let headers = HeaderMap::from_iter([(HEADER.parse().unwrap(), header.parse().unwrap())]);
        Trace::of(&headers, UNIX_EPOCH + Duration::from_secs(0x5759_e988))
    }

    #[test]
    fn a_callers_trace_goes_on() {
        let trace = of("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1");
        assert_eq!(trace.root(), "Root=1-5759e988-bd862e3fe1be46a994272793");
        let handed_on = trace.for_runtime();
        assert!(handed_on.starts_with("Root=1-5759e988-bd862e3fe1be46a994272793;Parent="), "{handed_on}");
        assert!(handed_on.ends_with(";Sampled=1") && !handed_on.contains("53995c3f42cd8ad8"), "{handed_on}");
    }

    #[test]
    fn whoever_has_none_gets_one() {
        for header in ["", "Root=", "Self=1-5759e988-bd862e3fe1be46a994272793"] {
            let (one, other) = (of(header), of(header));
            assert!(one.root().starts_with("Root=1-5759e988-") && one != other, "{header}: {one:?}");
            assert_eq!(one.root().len(), "Root=1-5759e988-bd862e3fe1be46a994272793".len());
        }
    }
}
