//! Randomness that the caller supplies. A machine draws identities, request ids and random choices from an [`Entropy`],
//! which its owner seeds: the crate `pigato` from the operating system, tests and the simulator from a number.

use rand_chacha::rand_core::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use uuid::Uuid;

/// A seeded, cryptographically strong source of random numbers.
///
/// The generator is strong because a request id must not be guessable: a peer that knows one could take over its reply.
#[derive(Debug, Clone)]
pub struct Entropy(ChaCha8Rng);

impl Entropy {
    /// A source seeded with 256 bits.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(ChaCha8Rng::from_seed(seed))
    }

    /// A source for tests and simulations: the same number gives the same draws.
    #[must_use]
    pub fn from_number(seed: u64) -> Self {
        Self(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A random UUID, version 4 (RFC 9562, section 5.4).
    pub fn uuid(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        uuid::Builder::from_random_bytes(bytes).into_uuid()
    }

    /// 64 random bits.
    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `bound`, which must not be zero; the bias of the modulus is below `bound` / 2⁶⁴.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.number() % bound as u64) as usize
    }
}
