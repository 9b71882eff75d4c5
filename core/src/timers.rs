//! Deadlines of a machine: one ordered set, no ticks.
//!
//! A key has at most one entry. Postponing a deadline is free: the owner keeps the true deadline, the entry may fire
//! early, and the owner then arms it again. That suits timeouts that nearly always move on or vanish.

use std::collections::BTreeSet;
use std::time::Instant;

/// Where a key's entry stands; kept by the owner of the deadline beside the deadline itself.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Armed(Option<Instant>);

#[derive(Debug)]
pub(crate) struct Timers<K> {
    entries: BTreeSet<(Instant, K)>,
}

impl<K> Default for Timers<K> {
    fn default() -> Self {
        Self { entries: BTreeSet::new() }
    }
}

impl<K: Ord + Copy> Timers<K> {
    /// Makes sure that `key` fires at `deadline` or earlier.
    pub(crate) fn arm(&mut self, key: K, armed: &mut Armed, deadline: Instant) {
        if armed.0.is_some_and(|at| at <= deadline) {
            return;
        }
        self.disarm(key, armed);
        self.entries.insert((deadline, key));
        armed.0 = Some(deadline);
    }

    pub(crate) fn disarm(&mut self, key: K, armed: &mut Armed) {
        if let Some(at) = armed.0.take() {
            self.entries.remove(&(at, key));
        }
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.entries.first().map(|(at, _)| *at)
    }

    /// Takes out one key that is due. Its owner must reset its [`Armed`] (see [`Armed::fired`]).
    pub(crate) fn pop_due(&mut self, now: Instant) -> Option<K> {
        let first = self.entries.first()?;
        if first.0 > now {
            return None;
        }
        self.entries.pop_first().map(|(_, key)| key)
    }
}

impl Armed {
    /// Notes that the entry has fired and is gone from the set.
    pub(crate) fn fired(&mut self) {
        self.0 = None;
    }
}
