//! Queues: requests that wait for a worker, by requested service name.

use std::collections::BTreeMap;

use super::keys::{PoolKey, RequestKey};
use super::pattern::Ask;
use super::rejecters::Rejecters;
use super::requests::RequestRecord;
#[cfg(debug_assertions)]
use super::{
    keys::QueueKey,
    requests::{Location, Requests},
};
use crate::protocol::ServiceName;

/// One queue. Requests that the same workers rejected form a lane, so that the oldest request that
/// a given worker may take is the head of a lane.
#[derive(Debug)]
pub(super) struct Queue {
    pub(super) name: ServiceName,
    pub(super) ask: Ask,
    /// The pools that serve this queue: one, or for a version range all that satisfy it.
    pub(super) pools: Vec<PoolKey>,
    lanes: BTreeMap<Rejecters, BTreeMap<u64, RequestKey>>,
    /// Number of its fail-fast requests.
    fail_fast: usize,
}

impl Queue {
    pub(super) fn new(name: ServiceName) -> Self {
        let ask = Ask::of(&name);
        Self { name, ask, pools: Vec::new(), lanes: BTreeMap::new(), fail_fast: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Whether a fail-fast request waits here.
    pub(super) fn has_fail_fast(&self) -> bool {
        self.fail_fast > 0
    }

    /// Adds a request. Returns its lane's head before and after.
    pub(super) fn insert(&mut self, key: RequestKey, request: &RequestRecord) -> (Option<u64>, Option<u64>) {
        let lane = &request.rejecters;
        self.fail_fast += usize::from(request.settings.fail_fast);
        if !self.lanes.contains_key(lane) {
            self.lanes.insert(lane.clone(), BTreeMap::new());
        }
        let entries = self.lanes.get_mut(lane).expect("just made");
        let before = first(entries);
        let former = entries.insert(request.sequence, key);
        debug_assert_eq!(former, None);
        (before, first(entries))
    }

    /// Removes a request. Returns its lane's head before and after.
    pub(super) fn remove(&mut self, request: &RequestRecord) -> (Option<u64>, Option<u64>) {
        let lane = &request.rejecters;
        debug_assert!(self.lanes.get(lane).is_some_and(|entries| entries.contains_key(&request.sequence)));
        let Some(entries) = self.lanes.get_mut(lane) else { return (None, None) };
        let before = first(entries);
        if entries.remove(&request.sequence).is_some() {
            self.fail_fast -= usize::from(request.settings.fail_fast);
        }
        let after = first(entries);
        if after.is_none() {
            self.lanes.remove(lane);
        }
        (before, after)
    }

    #[cfg(debug_assertions)]
    pub(super) fn len(&self) -> usize {
        self.lanes.values().map(BTreeMap::len).sum()
    }

    #[cfg(debug_assertions)]
    pub(super) fn check_invariants(&self, key: QueueKey, requests: &Requests) {
        let mut fail_fast = 0;
        for (lane, entries) in &self.lanes {
            assert!(!entries.is_empty(), "an empty lane in {key:?}");
            for (sequence, request) in entries {
                let record = &requests[*request];
                assert_eq!(record.location, Location::Queued(key), "{request:?} is in {key:?}");
                assert!(record.sequence == *sequence && record.rejecters == *lane, "lane of {request:?}");
                fail_fast += usize::from(record.settings.fail_fast);
            }
        }
        assert_eq!(self.fail_fast, fail_fast, "fail-fast requests in {key:?}");
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
