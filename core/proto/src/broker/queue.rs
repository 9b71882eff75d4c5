//! Requests that wait for a worker, by the name that was asked for.

use std::collections::BTreeMap;

use slotmap::new_key_type;

use super::pattern::Ask;
use super::pool::PoolKey;
use super::requests::{Request, RequestKey};
use super::workers::WorkerKey;
use crate::protocol::ServiceName;

new_key_type! { pub(super) struct QueueKey; }

/// The workers that have rejected a request, sorted. Empty for nearly all requests, and then without memory.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rejecters(Vec<WorkerKey>);

impl Rejecters {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contains(&self, worker: WorkerKey) -> bool {
        self.0.binary_search(&worker).is_ok()
    }

    pub(super) fn insert(&mut self, worker: WorkerKey) {
        if let Err(at) = self.0.binary_search(&worker) {
            self.0.insert(at, worker);
        }
    }
}

/// One queue. Its requests stand in lanes, one for each set of workers that rejected them, so that the oldest request
/// that a given worker may have is the head of a lane.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) name: ServiceName,
    pub(super) ask: Ask,
    /// Where its requests may go now: one pool, or for a version range all that satisfy it.
    pub(super) pools: Vec<PoolKey>,
    lanes: BTreeMap<Rejecters, BTreeMap<u64, RequestKey>>,
    /// How many of its requests have `failFast`.
    impatient: usize,
}

impl Queue {
    pub(super) fn new(name: ServiceName) -> Self {
        let ask = Ask::of(&name);
        Self { name, ask, pools: Vec::new(), lanes: BTreeMap::new(), impatient: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Whether a request waits here that does not want to wait in vain.
    pub(super) fn has_impatient(&self) -> bool {
        self.impatient > 0
    }

    /// Adds a request and returns its lane's head before and after.
    pub(super) fn insert(&mut self, key: RequestKey, request: &Request) -> (Option<u64>, Option<u64>) {
        let lane = &request.rejecters;
        self.impatient += usize::from(request.settings.fail_fast);
        if !self.lanes.contains_key(lane) {
            self.lanes.insert(lane.clone(), BTreeMap::new());
        }
        let entries = self.lanes.get_mut(lane).expect("just made");
        let before = first(entries);
        entries.insert(request.sequence, key);
        (before, first(entries))
    }

    /// Takes a request out and returns its lane's head before and after.
    pub(super) fn remove(&mut self, request: &Request) -> (Option<u64>, Option<u64>) {
        let lane = &request.rejecters;
        let Some(entries) = self.lanes.get_mut(lane) else { return (None, None) };
        let before = first(entries);
        if entries.remove(&request.sequence).is_some() {
            self.impatient -= usize::from(request.settings.fail_fast);
        }
        let after = first(entries);
        if after.is_none() {
            self.lanes.remove(lane);
        }
        (before, after)
    }

    pub(super) fn at(&self, lane: &Rejecters, sequence: u64) -> Option<RequestKey> {
        self.lanes.get(lane)?.get(&sequence).copied()
    }

    /// The lanes and their requests.
    pub(super) fn lanes(&self) -> impl Iterator<Item = (&Rejecters, impl Iterator<Item = RequestKey> + '_)> {
        self.lanes.iter().map(|(lane, entries)| (lane, entries.values().copied()))
    }

    /// The lanes and the sequence numbers of their heads.
    pub(super) fn heads(&self) -> impl Iterator<Item = (&Rejecters, u64)> {
        self.lanes.iter().filter_map(|(lane, entries)| Some((lane, first(entries)?)))
    }
}

fn first(entries: &BTreeMap<u64, RequestKey>) -> Option<u64> {
    entries.first_key_value().map(|(sequence, _)| *sequence)
}
