//! The functions' log. Lines travel by pipe and by file, so that an answer arrives before the lines about it do.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Answer, Stack};

/// How long a line may travel.
const ARRIVAL: Duration = Duration::from_secs(20);

impl Stack {
    /// The log, once `enough` holds of it. `what` says what that is.
    pub async fn log_with(&self, what: &str, enough: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + ARRIVAL;
        loop {
            let log = std::fs::read_to_string(&self.log_file).expect("the stack writes its log");
            if enough(&log) {
                return log;
            }
            assert!(Instant::now() < deadline, "not in the log within {ARRIVAL:?}: {what}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The log, once it holds everything about the request of `answer`: what its function writes last is that it has
    /// answered. It is what must be waited for before the log is said not to hold something.
    pub async fn log_until(&self, answer: &Answer) -> String {
        let id = answer.header("apigw-requestid");
        assert!(!id.is_empty(), "the answer says which request it is for");
        let is_access = |line: &Value| line["type"] == "request" && line["request_id"] == id;
        self.log_with(&format!("the access line of {id}"), |log| lines_of(log).iter().any(is_access)).await
    }
}

/// The lines that are JSON, as all are that the functions mean to write.
pub fn lines_of(log: &str) -> Vec<Value> {
    log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}
