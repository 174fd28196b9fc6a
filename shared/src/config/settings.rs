//! Reading settings one by one.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use crate::provider::ProviderSettings;

/// A setting can't be used. The value is not repeated: it may be a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// It is not there.
    #[error("the setting {0} is missing")]
    Missing(&'static str),
    /// It is of no use.
    #[error("the setting {name} {reason}")]
    Malformed {
        /// Which.
        name: &'static str,
        /// Why.
        reason: String,
    },
}

/// Where settings come from. An empty one counts as absent: CloudFormation can't leave a variable out.
pub(super) struct Settings<'a>(pub(super) &'a dyn Fn(&str) -> Option<String>);

impl Settings<'_> {
    pub(super) fn optional(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    pub(super) fn required(&self, name: &'static str) -> Result<String, ConfigError> {
        self.optional(name).ok_or(ConfigError::Missing(name))
    }

    pub(super) fn parsed<T: FromStr<Err: fmt::Display>>(&self, name: &'static str) -> Result<Option<T>, ConfigError> {
        self.optional(name).map(|value| value.parse().map_err(|error: T::Err| malformed(name, error))).transpose()
    }

    /// The providers, whose client secrets may stand in variables of their own.
    pub(super) fn providers(&self) -> Result<ProviderSettings, ConfigError> {
        const NAME: &str = "GATELET_OAUTH_PROVIDERS";
        let Some(text) = self.optional(NAME) else { return Ok(ProviderSettings::default()) };
        // A deployment's secrets stand in no variable: whoever may look at the function would read them.
        let local = self.optional("GATELET_ISSUER").is_some_and(|issuer| issuer.starts_with("http://"));
        ProviderSettings::read(&text, &|name| self.optional(name).filter(|_| local))
            .map_err(|error| malformed(NAME, error))
    }

    /// A number within bounds.
    pub(super) fn in_range<T>(
        &self,
        name: &'static str,
        default: T,
        bounds: RangeInclusive<T>,
    ) -> Result<T, ConfigError>
    where
        T: FromStr<Err: fmt::Display> + PartialOrd + fmt::Display,
    {
        let number = self.parsed(name)?.unwrap_or(default);
        let (least, most) = (bounds.start(), bounds.end());
        if bounds.contains(&number) {
            Ok(number)
        } else {
            Err(malformed(name, format!("it must be {least} to {most}")))
        }
    }
}

pub(super) fn malformed(name: &'static str, reason: impl fmt::Display) -> ConfigError {
    ConfigError::Malformed { name, reason: format!("can't be used: {reason}") }
}
