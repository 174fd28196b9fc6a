//! What a hash costs. OWASP's Password Storage Cheat Sheet gives five settings of equal strength; one of them is the least.

use argon2::Params as Cost;

/// OWASP's rows for argon2id: memory in KiB, iterations; parallelism is 1 in all of them.
const OWASP: [(u32, u32); 5] = [(47_104, 1), (19_456, 2), (12_288, 3), (9_216, 4), (7_168, 5)];
/// 1 GiB in KiB: more cannot be meant, and a stored hash that asks for more must not be obeyed.
const MAX_MEMORY_KIB: u32 = 1024 * 1024;
const MAX_ITERATIONS: u32 = 64;
const MAX_PARALLELISM: u32 = 16;

/// Bytes of a hash.
pub(super) const OUTPUT_LENGTH: usize = 32;

/// Parameters for new hashes: 19 456 KiB, 2 iterations, 1 lane unless set otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params(Cost);

/// Why [`Params`] are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// Below every row of OWASP's table.
    #[error(
        "argon2id parameters are weaker than OWASP's minimum (47104 KiB × 1, 19456 × 2, 12288 × 3, 9216 × 4 or 7168 × 5)"
    )]
    Weak,
    /// Above 1 GiB, 64 iterations or 16 lanes, or no lane.
    #[error("argon2id parameters are out of range (at most 1048576 KiB, 64 iterations, 1 to 16 lanes)")]
    OutOfRange,
}

impl Params {
    /// Parameters from settings: at least one row of OWASP's table, at most 1 GiB, 64 iterations and 16 lanes.
    ///
    /// # Errors
    /// The bound that was broken, for whoever made the settings.
    pub fn new(memory_kib: u32, iterations: u32, parallelism: u32) -> Result<Self, ParamsError> {
        let cost = Cost::new(memory_kib, iterations, parallelism, Some(OUTPUT_LENGTH));
        if !OWASP.iter().any(|(memory, time)| memory_kib >= *memory && iterations >= *time) {
            return Err(ParamsError::Weak);
        }
        match cost {
            Ok(cost) if is_affordable(&cost) => Ok(Self(cost)),
            _ => Err(ParamsError::OutOfRange),
        }
    }

    /// The same with the identifier of a pepper, as [`argon2`] takes it.
    pub(super) fn cost(&self, key_id: Option<argon2::KeyId>) -> argon2::Result<Cost> {
        let mut builder = argon2::ParamsBuilder::new();
        builder.m_cost(self.0.m_cost()).t_cost(self.0.t_cost()).p_cost(self.0.p_cost()).output_len(OUTPUT_LENGTH);
        if let Some(id) = key_id {
            builder.keyid(id);
        }
        builder.build()
    }
}

impl Default for Params {
    fn default() -> Self {
        Self(Cost::DEFAULT)
    }
}

/// Whether one hash stays within the bounds that no deployment goes beyond.
pub(super) fn is_affordable(cost: &Cost) -> bool {
    cost.m_cost() <= MAX_MEMORY_KIB && cost.t_cost() <= MAX_ITERATIONS && cost.p_cost() <= MAX_PARALLELISM
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_below_owasps_rows_and_nothing_absurd_is_accepted() {
        for (memory, iterations, parallelism, expected) in [
            (47_104, 1, 1, None),
            (19_456, 2, 1, None),
            (12_288, 3, 1, None),
            (9_216, 4, 1, None),
            (7_168, 5, 1, None),
            (65_536, 3, 4, None),
            (1_048_576, 64, 16, None),
            (47_103, 1, 1, Some(ParamsError::Weak)),
            (19_455, 2, 1, Some(ParamsError::Weak)),
            (12_287, 3, 1, Some(ParamsError::Weak)),
            (9_215, 4, 1, Some(ParamsError::Weak)),
            (7_167, 64, 1, Some(ParamsError::Weak)),
            (0, 0, 0, Some(ParamsError::Weak)),
            (19_456, 2, 0, Some(ParamsError::OutOfRange)),
            (19_456, 2, 17, Some(ParamsError::OutOfRange)),
            (19_456, 65, 1, Some(ParamsError::OutOfRange)),
            (1_048_577, 1, 1, Some(ParamsError::OutOfRange)),
            (u32::MAX, u32::MAX, u32::MAX, Some(ParamsError::OutOfRange)),
        ] {
            let refused = Params::new(memory, iterations, parallelism).err();
            assert_eq!(refused, expected, "m={memory},t={iterations},p={parallelism}");
        }
    }

    #[test]
    fn the_default_is_owasps_second_row() {
        let cost = |params: Params| params.cost(None).unwrap();
        assert_eq!(cost(Params::default()), cost(Params::new(19_456, 2, 1).unwrap()));
    }
}
