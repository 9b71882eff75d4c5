//! Tombstones of requests that the broker ended while a worker had them.

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::limits;

/// A worker's tombstones. The worker may still send one final reply to each of these requests. A
/// client that uses an id again may leave several under one id.
#[derive(Debug, Default)]
pub(super) struct Tombstones {
    /// Number of final replies that may still come, by the hash of client and id.
    counts: HashMap<u64, u32, foldhash::fast::FixedState>,
    total: usize,
    order: VecDeque<u64>,
    /// Whether tombstones were dropped; then no reply is certainly unexpected.
    has_forgotten: bool,
}

impl Tombstones {
    pub(super) fn len(&self) -> usize {
        self.total
    }

    pub(super) fn insert(&mut self, hash: u64) {
        *self.counts.entry(hash).or_default() += 1;
        self.total += 1;
        self.order.push_back(hash);
        if self.order.len() > limits::ENDED_REQUESTS_PER_WORKER {
            if let Some(oldest) = self.order.pop_front() {
                self.has_forgotten |= self.take(oldest);
            }
        }
    }

    /// Whether the worker is known to owe a reply under this hash.
    pub(super) fn contains(&self, hash: u64) -> bool {
        self.counts.contains_key(&hash)
    }

    /// Whether a tombstone, present or dropped, may explain a reply.
    pub(super) fn may_explain(&self, hash: u64) -> bool {
        self.contains(hash) || self.has_forgotten
    }

    /// Removes the tombstone of a request that got its final reply.
    pub(super) fn remove(&mut self, hash: u64) {
        self.take(hash);
        if self.counts.is_empty() {
            self.order.clear();
        }
    }

    #[cfg(debug_assertions)]
    pub(super) fn check_invariants(&self) {
        assert!(self.counts.len() <= self.total && self.total <= self.order.len(), "count of tombstones");
        assert!(self.order.len() <= limits::ENDED_REQUESTS_PER_WORKER, "too many tombstones");
    }

    /// Decrements a count. Returns whether it was above 0.
    fn take(&mut self, hash: u64) -> bool {
        let Some(count) = self.counts.get_mut(&hash) else { return false };
        *count -= 1;
        if *count == 0 {
            self.counts.remove(&hash);
        }
        self.total -= 1;
        true
    }
}
