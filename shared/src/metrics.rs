//! Metrics, in CloudWatch's embedded metric format: members of an invocation's line in the log, which CloudWatch reads.
//!
//! Each metric with each value of its dimensions is billed by the month, so there are few: all by `service`, and one by
//! `case` besides. Anything finer is a question to the log (`docs/observability.md`).

use std::{
    collections::BTreeMap,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::{Serialize, Serializer};

use crate::world::Timestamp;

/// The namespace of all metrics.
const NAMESPACE: &str = "Gatelet";

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Somebody signed in.
    SignIns,
    /// Somebody did not.
    SignInFailures,
    /// Somebody had to wait before trying.
    SignInsThrottled,
    /// A refresh token was presented.
    Refreshes,
    /// Cases D and E: a session was revoked because a token was used again.
    RefreshReuse,
    /// Case F.
    RefreshAheadOfTable,
    /// An instance served its first invocation.
    ColdStarts,
    /// How long argon2 took.
    HashTime,
    /// How long the signing key in force has been signing.
    SigningKeyAge,
    /// A key was made, or taken away.
    KeyRotations,
}

impl Metric {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::SignIns,
        Self::SignInFailures,
        Self::SignInsThrottled,
        Self::Refreshes,
        Self::RefreshReuse,
        Self::RefreshAheadOfTable,
        Self::ColdStarts,
        Self::HashTime,
        Self::SigningKeyAge,
        Self::KeyRotations,
    ];

    /// Its name in CloudWatch.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignIns => "SignIns",
            Self::SignInFailures => "SignInFailures",
            Self::SignInsThrottled => "SignInsThrottled",
            Self::Refreshes => "Refreshes",
            Self::RefreshReuse => "RefreshReuse",
            Self::RefreshAheadOfTable => "RefreshAheadOfTable",
            Self::ColdStarts => "ColdStarts",
            Self::HashTime => "HashTime",
            Self::SigningKeyAge => "SigningKeyAge",
            Self::KeyRotations => "KeyRotations",
        }
    }

    const fn unit(self) -> &'static str {
        match self {
            Self::HashTime => "Milliseconds",
            Self::SigningKeyAge => "Seconds",
            _ => "Count",
        }
    }

    const fn dimensions(self) -> &'static [&'static str] {
        match self {
            Self::Refreshes => &["service", "case"],
            _ => &["service"],
        }
    }
}

/// What became of a refresh token: the cases of the protocol ([`crate::protocol`]), as values of a dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "the letters are explained where the protocol is")]
pub enum Case {
    A,
    B,
    C,
    D,
    E,
    F,
    G,
    I,
    J,
    /// The application does not rotate its tokens.
    #[serde(rename = "unrotated")]
    Unrotated,
}

/// What was measured during one invocation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Vec<(Metric, f64)>);

impl Samples {
    pub(crate) fn add(&mut self, metric: Metric, value: f64) {
        self.0.push((metric, value));
    }
}

/// The members that make a line embed metrics.
#[derive(Debug, Serialize)]
pub(crate) struct Embedded {
    #[serde(rename = "_aws")]
    metadata: Metadata,
    service: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<Case>,
    #[serde(flatten)]
    values: BTreeMap<&'static str, Value>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    /// Milliseconds.
    timestamp: u64,
    cloud_watch_metrics: Vec<Directive>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: &'static str,
    dimensions: [&'static [&'static str]; 1],
    metrics: Vec<Definition>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: &'static str,
    unit: &'static str,
}

/// A number, or several where a thing happened several times.
#[derive(Debug)]
struct Value(Vec<f64>);

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            several => several.serialize(serializer),
        }
    }
}

impl Embedded {
    /// The metrics of one invocation; `None` if there are none, and then its line is no more than a line.
    pub(crate) fn of(samples: &Samples, case: Option<Case>, now: Timestamp) -> Option<Self> {
        let mut values: BTreeMap<Metric, Vec<f64>> = BTreeMap::new();
        for (metric, value) in &samples.0 {
            values.entry(*metric).or_default().push(*value);
        }
        let mut directives: Vec<Directive> = Vec::new();
        for metric in values.keys() {
            let definition = Definition { name: metric.name(), unit: metric.unit() };
            match directives.iter_mut().find(|directive| directive.dimensions == [metric.dimensions()]) {
                Some(directive) => directive.metrics.push(definition),
                None => directives.push(Directive {
                    namespace: NAMESPACE,
                    dimensions: [metric.dimensions()],
                    metrics: vec![definition],
                }),
            }
        }
        (!directives.is_empty()).then(|| Self {
            metadata: Metadata { timestamp: now.seconds() * 1000, cloud_watch_metrics: directives },
            service: service(),
            case,
            values: values.into_iter().map(|(metric, values)| (metric.name(), Value(values))).collect(),
        })
    }
}

static SERVICE: OnceLock<String> = OnceLock::new();

/// Sets the dimension `service` of this process.
pub(crate) fn set_service(name: String) {
    // It is set once, before anything is measured.
    let _ = SERVICE.set(name);
}

fn service() -> &'static str {
    SERVICE.get().map_or(crate::config::DEFAULT_SERVICE, String::as_str)
}

/// True once in the life of a process.
pub(crate) fn is_first_of_instance() -> bool {
    static COLD: AtomicBool = AtomicBool::new(true);
    COLD.swap(false, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_measured_is_declared_and_stated() {
        let mut samples = Samples::default();
        for (metric, value) in [(Metric::Refreshes, 1.0), (Metric::HashTime, 16.5), (Metric::HashTime, 17.0)] {
            samples.add(metric, value);
        }
        let embedded = Embedded::of(&samples, Some(Case::D), Timestamp::from_seconds(12));
        let expected = json!({
            "_aws": {
                "Timestamp": 12_000,
                "CloudWatchMetrics": [
                    {
                        "Namespace": "Gatelet",
                        "Dimensions": [["service", "case"]],
                        "Metrics": [{"Name": "Refreshes", "Unit": "Count"}],
                    },
                    {
                        "Namespace": "Gatelet",
                        "Dimensions": [["service"]],
                        "Metrics": [{"Name": "HashTime", "Unit": "Milliseconds"}],
                    },
                ],
            },
            "service": "gatelet",
            "case": "D",
            "Refreshes": 1.0,
            "HashTime": [16.5, 17.0],
        });
        assert_eq!(json!(embedded), expected);
    }

    #[test]
    fn a_line_without_metrics_is_no_more_than_a_line() {
        assert!(Embedded::of(&Samples::default(), None, Timestamp::from_seconds(12)).is_none());
    }
}
