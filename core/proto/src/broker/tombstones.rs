//! Requests that the broker ended while a worker had them.

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::limits;

/// Requests at a worker that the broker ended itself: the worker may still reply to them, once to each. A client that
/// uses an id again may have several of them under one id.
#[derive(Debug, Default)]
pub(super) struct Tombstones {
    /// How many final replies may still come, by the hash of client and id.
    counts: HashMap<u64, u32, foldhash::fast::FixedState>,
    total: usize,
    order: VecDeque<u64>,
    /// Whether some were forgotten; then no reply can be called unexpected for sure.
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

    /// Whether a reply to one of these is known to be possible.
    pub(super) fn contains(&self, hash: u64) -> bool {
        self.counts.contains_key(&hash)
    }

    /// Whether one of these, known or forgotten, explains a reply.
    pub(super) fn may_explain(&self, hash: u64) -> bool {
        self.contains(hash) || self.has_forgotten
    }

    /// One of these has got its final reply.
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

    /// Counts one less. Returns whether there was one.
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
