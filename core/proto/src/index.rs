//! A hash index over records that live elsewhere, which does not store their keys' bytes twice, and a map for keys that no
//! peer chooses.

use std::hash::BuildHasher;

use foldhash::fast::SeedableRandomState;
use foldhash::SharedSeed;
use hashbrown::HashTable;

/// A map whose keys are numbers of this process, so that no peer can make them collide.
pub type Map<K, V> = hashbrown::HashMap<K, V, foldhash::fast::FixedState>;

/// Hashes bytes with a seed, so that peers cannot choose colliding names.
#[derive(Debug, Clone)]
pub(crate) struct ByteHasher(SeedableRandomState);

impl ByteHasher {
    pub(crate) fn new(seed: u64) -> Self {
        // The shared part differs between processes. It affects the layout of hash tables, never an output.
        Self(SeedableRandomState::with_seed(seed, SharedSeed::global_random()))
    }

    pub(crate) fn hash(&self, bytes: &[u8]) -> u64 {
        self.0.hash_one(bytes)
    }

    pub(crate) fn hash_pair(&self, first: &[u8], second: &[u8]) -> u64 {
        self.0.hash_one((first, second))
    }
}

/// Keys by the hash of their record's name.
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
