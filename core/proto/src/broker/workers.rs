//! The workers that are registered.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use slotmap::{new_key_type, SlotMap};

use super::pool::PoolKey;
use super::requests::RequestKey;
use crate::config::Concurrency;
use crate::index::{ByteHasher, Index};
use crate::limits;
use crate::protocol::{Capabilities, PeerId, ServiceName};
use crate::timers::Armed;

new_key_type! { pub(super) struct WorkerKey; }

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) peer: PeerId,
    /// The identity as text, as directories show it and `workerId` names it.
    pub(super) text: String,
    pub(super) service: ServiceName,
    pub(super) pool: PoolKey,
    pub(super) concurrency: Concurrency,
    pub(super) in_flight: Vec<RequestKey>,
    /// Queued requests that name this worker, in order of arrival.
    pub(super) targeted: BTreeMap<u64, RequestKey>,
    pub(super) ended: Ended,
    /// When it was last handed a request, as the number of that dispatch.
    pub(super) last_used: u64,
    /// Its place in the pool's free set, if it is there.
    pub(super) free_rank: Option<FreeRank>,
    /// Set if it announced version 1.
    pub(super) capabilities: Option<Capabilities>,
    /// The longest of both sides' intervals.
    pub(super) heartbeat: Duration,
    pub(super) last_heard: Instant,
    /// When it was last sent a heartbeat for being quiet.
    pub(super) last_probe: Instant,
    pub(super) armed: Armed,
}

/// Order of preference among free workers: load, then how long ago it was used.
pub(super) type FreeRank = (usize, u64);

impl Worker {
    pub(super) fn has_room(&self) -> bool {
        self.concurrency.has_room(self.in_flight.len())
    }

    pub(super) fn can_cancel(&self) -> bool {
        self.capabilities.is_some_and(|capabilities| capabilities.cancel)
    }

    pub(super) fn can_credit(&self) -> bool {
        self.capabilities.is_some_and(|capabilities| capabilities.credit)
    }

    /// What it is busy with. A worker that cannot be told of a cancellation still works on what the broker has
    /// ended: that takes none of its concurrency, but others are preferred.
    pub(super) fn rank(&self) -> FreeRank {
        let unanswered = if self.can_cancel() { 0 } else { self.ended.len() };
        (self.in_flight.len() + unanswered, self.last_used)
    }

    pub(super) fn dead_at(&self, liveness: u32) -> Instant {
        self.last_heard + self.heartbeat.saturating_mul(liveness.max(1))
    }

    pub(super) fn probe_at(&self, heartbeat: Duration) -> Instant {
        self.last_heard.max(self.last_probe) + heartbeat
    }
}

/// Requests at a worker that the broker ended itself: the worker may still reply to them, once to each. A client that
/// uses an id again may have several of them under one id.
#[derive(Debug, Default)]
pub(super) struct Ended {
    /// How many final replies may still come, by the hash of client and id.
    counts: HashMap<u64, u32, foldhash::fast::FixedState>,
    total: usize,
    order: VecDeque<u64>,
    /// Whether some were forgotten; then no reply can be called unexpected for sure.
    forgot_some: bool,
}

impl Ended {
    pub(super) fn len(&self) -> usize {
        self.total
    }

    pub(super) fn insert(&mut self, hash: u64) {
        *self.counts.entry(hash).or_default() += 1;
        self.total += 1;
        self.order.push_back(hash);
        if self.order.len() > limits::ENDED_REQUESTS_PER_WORKER {
            if let Some(oldest) = self.order.pop_front() {
                self.forgot_some |= self.take(oldest);
            }
        }
    }

    /// Whether a reply to one of these is known to be possible.
    pub(super) fn contains(&self, hash: u64) -> bool {
        self.counts.contains_key(&hash)
    }

    /// Whether one of these, known or forgotten, explains a reply.
    pub(super) fn explains(&self, hash: u64) -> bool {
        self.contains(hash) || self.forgot_some
    }

    /// One of these has got its final reply.
    pub(super) fn remove(&mut self, hash: u64) {
        self.take(hash);
        if self.counts.is_empty() {
            self.order.clear();
        }
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

#[derive(Debug, Default)]
pub(super) struct Workers {
    slots: SlotMap<WorkerKey, Worker>,
    by_peer: Index<WorkerKey>,
    by_text: Index<WorkerKey>,
}

impl Workers {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn keys(&self) -> Vec<WorkerKey> {
        self.slots.keys().collect()
    }

    pub(super) fn find(&self, hasher: &ByteHasher, peer: &PeerId) -> Option<WorkerKey> {
        let mut candidates = self.by_peer.candidates(hasher.hash(peer.as_bytes()));
        candidates.find(|key| self.slots[*key].peer == *peer)
    }

    pub(super) fn find_by_text(&self, hasher: &ByteHasher, text: &str) -> Option<WorkerKey> {
        let mut candidates = self.by_text.candidates(hasher.hash(text.as_bytes()));
        candidates.find(|key| self.slots[*key].text == text)
    }

    pub(super) fn insert_with(&mut self, hasher: &ByteHasher, make: impl FnOnce(WorkerKey) -> Worker) -> WorkerKey {
        let key = self.slots.insert_with_key(make);
        let worker = &self.slots[key];
        self.by_peer.insert(hasher.hash(worker.peer.as_bytes()), key);
        self.by_text.insert(hasher.hash(worker.text.as_bytes()), key);
        key
    }

    pub(super) fn remove(&mut self, hasher: &ByteHasher, key: WorkerKey) -> Option<Worker> {
        let worker = self.slots.remove(key)?;
        self.by_peer.remove(hasher.hash(worker.peer.as_bytes()), key);
        self.by_text.remove(hasher.hash(worker.text.as_bytes()), key);
        Some(worker)
    }

    pub(super) fn get(&self, key: WorkerKey) -> Option<&Worker> {
        self.slots.get(key)
    }

    pub(super) fn get_mut(&mut self, key: WorkerKey) -> Option<&mut Worker> {
        self.slots.get_mut(key)
    }
}

impl std::ops::Index<WorkerKey> for Workers {
    type Output = Worker;
    fn index(&self, key: WorkerKey) -> &Worker {
        &self.slots[key]
    }
}

impl std::ops::IndexMut<WorkerKey> for Workers {
    fn index_mut(&mut self, key: WorkerKey) -> &mut Worker {
        &mut self.slots[key]
    }
}
