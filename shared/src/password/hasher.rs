//! Hashing and checking passwords with argon2id (RFC 9106).
//!
//! One hash at a time, in one buffer that lives as long as the hasher: the system's allocator would keep every freed buffer, and
//! a process would grow by the memory cost with each request. The lock around it also bounds how much memory hashing can take.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use argon2::password_hash::phc::{Output, Salt};
use argon2::{Algorithm, Argon2, Block, Version};

use super::params::OUTPUT_LENGTH;
use super::stored::{self, PasswordHash, Recipe};
use super::{Params, Password, Peppers};
use crate::note;

/// Salt of the hash that an unknown user's password is put through. Only the time matters; nothing is compared with the result.
const DUMMY_SALT: [u8; 16] = *b"unknown user    ";

/// Bytes of salt in a new hash (RFC 9106 §3.1 recommends 16).
const SALT_LENGTH: usize = 16;

/// Makes and checks password hashes with one set of parameters.
pub struct Hasher {
    params: Params,
    peppers: Peppers,
    memory: Mutex<Vec<Block>>,
}

/// What checking a password came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The right password.
    Match {
        /// Whether the stored hash was made in another way than a new one would be, so that it should be replaced.
        rehash: bool,
    },
    /// Wrong password or no such user.
    Mismatch,
}

/// Why a hash could not be made or checked: our fault or the store's, never the caller's. Names nothing secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The stored text is not an argon2id PHC string.
    #[error("the stored password hash is not an argon2id PHC string")]
    Unreadable,
    /// More than 1 GiB, 64 iterations or 16 lanes: obeying would stop the function.
    #[error("the stored password hash asks for more than 1 GiB, 64 iterations or 16 lanes")]
    Excessive,
    /// Its pepper was removed from the settings too early.
    #[error("the stored password hash was made with a pepper that is not configured")]
    UnknownPepper,
    /// The memory cost does not fit into this process.
    #[error("there is no memory for a password hash")]
    OutOfMemory,
    /// argon2 refused its input.
    #[error("argon2 failed")]
    Argon2(#[from] argon2::Error),
}

impl Hasher {
    /// Takes no memory before the first hash.
    #[must_use]
    pub fn new(params: Params, peppers: Peppers) -> Self {
        Self { params, peppers, memory: Mutex::default() }
    }

    /// Hashes a new password. `salt` must be random. Whether the password is acceptable is [`Policy`](super::Policy)'s question.
    ///
    /// # Errors
    /// There is no memory for it, which another attempt may find.
    pub fn hash(&self, password: &Password, salt: [u8; SALT_LENGTH]) -> Result<PasswordHash, HashError> {
        let recipe = self.recipe(salt)?;
        let output = self.derive(&recipe, OUTPUT_LENGTH, password)?;
        stored::format(&recipe, output)
    }

    /// Checks a password against what is stored for the user. Without a user it does the work of a hash with the current
    /// parameters, so that the time does not tell whether the user exists; a hash with other parameters gives its user away
    /// until it is replaced at the next sign-in. An oversize password is nobody's and costs nothing, user or not.
    ///
    /// # Errors
    /// The stored hash is corrupt or its pepper gone, which the operator must see; or no memory.
    pub fn verify(&self, password: &Password, stored: Option<&PasswordHash>) -> Result<Verdict, HashError> {
        if password.is_oversize() {
            return Ok(Verdict::Mismatch);
        }
        let current = self.recipe(DUMMY_SALT)?;
        let Some(stored) = stored else {
            self.derive(&current, OUTPUT_LENGTH, password)?;
            return Ok(Verdict::Mismatch);
        };
        let (recipe, expected) = stored::parse(stored)?;
        // `Output` compares in constant time.
        if self.derive(&recipe, expected.len(), password)? != expected {
            return Ok(Verdict::Mismatch);
        }
        let as_new =
            recipe.version == current.version && recipe.cost == current.cost && recipe.salt.len() >= SALT_LENGTH;
        Ok(Verdict::Match { rehash: !as_new })
    }

    /// How a new hash is made.
    fn recipe(&self, salt: [u8; SALT_LENGTH]) -> Result<Recipe, HashError> {
        let salt = Salt::new(&salt).map_err(|_| argon2::Error::SaltTooShort)?;
        Ok(Recipe { version: Version::V0x13, cost: self.params.cost(self.peppers.newest_id())?, salt })
    }

    /// The one place where the work is done.
    fn derive(&self, recipe: &Recipe, output_length: usize, password: &Password) -> Result<Output, HashError> {
        let secret = self.peppers.secret(recipe.cost.keyid()).ok_or(HashError::UnknownPepper)?;
        let argon2 = Argon2::new_with_secret(secret, Algorithm::Argon2id, recipe.version, recipe.cost.clone())?;

        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let blocks = recipe.cost.block_count();
        if memory.len() < blocks {
            *memory = Vec::new();
            memory.try_reserve_exact(blocks).map_err(|_| HashError::OutOfMemory)?;
            memory.resize(blocks, Block::new());
        }
        let mut output = [0; Output::MAX_LENGTH];
        let output = &mut output[..output_length];
        let started = Instant::now();
        argon2.hash_password_into_with_memory(
            password.expose().as_bytes(),
            &recipe.salt,
            output,
            memory.as_mut_slice(),
        )?;
        note::hashed(started.elapsed());
        Output::new(output).map_err(|_| argon2::Error::OutputTooShort.into())
    }
}

#[cfg(test)]
mod tests;
