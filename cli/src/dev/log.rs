//! Where the lines go that functions write.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// Standard error with the function's name in front, or a file verbatim, which is what a log reader or a test wants.
pub(crate) struct Log(Option<Mutex<File>>);

impl Log {
    /// Logs to `file`, or to standard error.
    pub(crate) fn open(file: Option<&Path>) -> std::io::Result<Self> {
        Ok(Self(file.map(File::create).transpose()?.map(Mutex::new)))
    }

    /// A log that nobody reads.
    #[cfg(test)]
    pub(crate) fn discarded() -> Self {
        Self(File::options().write(true).open("/dev/null").ok().map(Mutex::new))
    }

    /// Writes one line of `function`. A log that can't be written is no reason to stop.
    pub(crate) fn line(&self, function: &str, line: &str) {
        let _ = match &self.0 {
            Some(file) => writeln!(file.lock().unwrap_or_else(PoisonError::into_inner), "{line}"),
            None => writeln!(std::io::stderr().lock(), "[{function}] {line}"),
        };
    }
}
