//! Finding things fast: a hash index over things that live elsewhere, which does not keep their bytes twice, and the map
//! for keys that nobody outside chooses.

use std::hash::BuildHasher;

use foldhash::fast::SeedableRandomState;
use foldhash::SharedSeed;
use hashbrown::HashTable;

/// A map whose keys are our own numbers: nobody can make them collide.
pub type Map<K, V> = hashbrown::HashMap<K, V, foldhash::fast::FixedState>;

/// Hashes bytes with a seed, so that peers cannot choose names that collide.
#[derive(Debug, Clone)]
pub(crate) struct ByteHasher(SeedableRandomState);

impl ByteHasher {
    pub(crate) fn new(seed: u64) -> Self {
        // The shared part differs from process to process. It decides where a hash table keeps things, never an output.
        Self(SeedableRandomState::with_seed(seed, SharedSeed::global_random()))
    }

    pub(crate) fn hash(&self, bytes: &[u8]) -> u64 {
        self.0.hash_one(bytes)
    }

    pub(crate) fn hash_pair(&self, first: &[u8], second: &[u8]) -> u64 {
        self.0.hash_one((first, second))
    }
}

#[derive(Debug)]
pub(crate) struct Index<K> {
    table: HashTable<(u64, K)>,
}

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self { table: HashTable::new() }
    }
}

impl<K: Copy + PartialEq> Index<K> {
    /// All keys filed under `hash`; the caller compares the bytes.
    pub(crate) fn candidates(&self, hash: u64) -> impl Iterator<Item = K> + '_ {
        self.table.iter_hash(hash).filter(move |entry| entry.0 == hash).map(|entry| entry.1)
    }

    pub(crate) fn insert(&mut self, hash: u64, key: K) {
        self.table.insert_unique(hash, (hash, key), |entry| entry.0);
    }

    pub(crate) fn remove(&mut self, hash: u64, key: K) {
        if let Ok(entry) = self.table.find_entry(hash, |entry| entry.1 == key) {
            entry.remove();
        }
    }
}
