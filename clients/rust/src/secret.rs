//! Text that must not be shown.

use std::sync::Arc;

use http::HeaderValue;

/// A key, a token or a password. It has neither `Debug` nor `Display`, so that no log line can hold it by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// The text itself: the one word to search for.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// As a header's value after `prefix`, marked so that no HTTP library shows it. Nothing if no header can hold it.
    pub(crate) fn header(&self, prefix: &str) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&format!("{prefix}{}", self.0)).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}
