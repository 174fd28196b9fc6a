//! The stored form of a password: a PHC string, `$argon2id$v=19$m=…,t=…,p=…[,keyid=…]$salt$hash`.

use std::fmt;

use argon2::password_hash::phc::{self, Output, ParamsString, Salt};
use argon2::{ARGON2ID_IDENT, Params as Cost, Version};

use super::hasher::HashError;
use super::params::is_affordable;

/// A password hash as the table holds it.
#[derive(PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// The string as it was stored; it is parsed when a password is checked against it.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The PHC string.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash")
    }
}

/// Everything but the password and the pepper that decides what the hash is.
pub(super) struct Recipe {
    pub(super) version: Version,
    pub(super) cost: Cost,
    pub(super) salt: Salt,
}

/// Reads a stored hash.
pub(super) fn parse(stored: &PasswordHash) -> Result<(Recipe, Output), HashError> {
    let phc = phc::PasswordHash::new(&stored.0).map_err(|_| HashError::Unreadable)?;
    let cost = Cost::try_from(&phc).map_err(|_| HashError::Unreadable)?;
    // Before version 1.3 the reference implementation wrote no version, so none means 1.0.
    let version = phc.version.map_or(Ok(Version::V0x10), Version::try_from).map_err(|_| HashError::Unreadable)?;
    let (Some(salt), Some(output), ARGON2ID_IDENT) = (phc.salt, phc.hash, phc.algorithm) else {
        return Err(HashError::Unreadable);
    };
    if !is_affordable(&cost) {
        return Err(HashError::Excessive);
    }
    Ok((Recipe { version, cost, salt }, output))
}

/// Writes a hash to be stored.
pub(super) fn format(recipe: &Recipe, output: Output) -> Result<PasswordHash, HashError> {
    let phc = phc::PasswordHash {
        algorithm: ARGON2ID_IDENT,
        version: Some(recipe.version.into()),
        params: ParamsString::try_from(&recipe.cost).map_err(|_| HashError::Unreadable)?,
        salt: Some(recipe.salt),
        hash: Some(output),
    };
    Ok(PasswordHash(phc.to_string()))
}
