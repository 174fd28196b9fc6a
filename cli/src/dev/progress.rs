//! Says what is going on, for everything that takes longer than a moment.

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// How often the line on a terminal is redrawn.
const TICK: Duration = Duration::from_millis(250);

/// Something that is being done. Ends when it is dropped, so that a failure leaves a clean line behind.
pub(crate) struct Step {
    started: Instant,
    label: String,
    ticker: Option<JoinHandle<()>>,
}

impl Step {
    /// Says that `label` begins. A terminal shows how long it has been going on.
    pub(crate) fn begin(label: impl Into<String>) -> Self {
        let (label, started) = (label.into(), Instant::now());
        let ticker = stderr().is_terminal().then(|| tokio::spawn(tick(label.clone(), started)));
        if ticker.is_none() {
            let _ = writeln!(stderr(), "{label} …");
        }
        Self { started, label, ticker }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        let Some(ticker) = self.ticker.take() else { return };
        ticker.abort();
        let _ = writeln!(stderr(), "\r{} … {:.1} s", self.label, self.started.elapsed().as_secs_f32());
    }
}

async fn tick(label: String, started: Instant) {
    let mut interval = tokio::time::interval(TICK);
    loop {
        interval.tick().await;
        let _ = write!(stderr(), "\r{label} … {} s", started.elapsed().as_secs());
        let _ = stderr().flush();
    }
}
