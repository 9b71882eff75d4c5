//! Randomness from the operating system, for the machines and for names that must not repeat.

use crate::entropy::Entropy;
use crate::error::{Error, ErrorCode};

/// A source seeded by the operating system.
///
/// # Errors
///
/// `E_SYSTEM` if the operating system has no random numbers to give.
pub(crate) fn entropy() -> Result<Entropy, Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| Error::new(ErrorCode::System, error.to_string()))?;
    Ok(Entropy::from_seed(seed))
}
