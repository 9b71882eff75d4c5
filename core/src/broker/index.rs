//! A hash index over things that live in a slot map: finds keys by bytes without keeping the bytes twice.

use std::hash::BuildHasher;

use foldhash::fast::SeedableRandomState;
use foldhash::SharedSeed;
use hashbrown::HashTable;

/// Hashes bytes with a seed, so that peers cannot choose names that collide.
#[derive(Debug, Clone)]
pub(super) struct ByteHasher(SeedableRandomState);

impl ByteHasher {
    pub(super) fn new(seed: u64) -> Self {
        // The shared part differs from process to process. It decides where a hash table keeps things, never an output.
        Self(SeedableRandomState::with_seed(seed, SharedSeed::global_random()))
    }

    pub(super) fn hash(&self, bytes: &[u8]) -> u64 {
        self.0.hash_one(bytes)
    }

    pub(super) fn hash_pair(&self, first: &[u8], second: &[u8]) -> u64 {
        self.0.hash_one((first, second))
    }
}

#[derive(Debug)]
pub(super) struct Index<K> {
    table: HashTable<(u64, K)>,
}

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self { table: HashTable::new() }
    }
}

impl<K: Copy + PartialEq> Index<K> {
    /// All keys filed under `hash`; the caller compares the bytes.
    pub(super) fn candidates(&self, hash: u64) -> impl Iterator<Item = K> + '_ {
        self.table.iter_hash(hash).filter(move |entry| entry.0 == hash).map(|entry| entry.1)
    }

    pub(super) fn insert(&mut self, hash: u64, key: K) {
        self.table.insert_unique(hash, (hash, key), |entry| entry.0);
    }

    pub(super) fn remove(&mut self, hash: u64, key: K) {
        if let Ok(entry) = self.table.find_entry(hash, |entry| entry.1 == key) {
            entry.remove();
        }
    }
}
