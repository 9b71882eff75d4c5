//! Registered workers.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use slotmap::SlotMap;

use super::keys::{PoolKey, RequestKey, WorkerKey};
use super::tombstones::Tombstones;
use crate::config::{liveness_timeout, Concurrency};
use crate::index::{ByteHasher, Index};
use crate::protocol::{Capabilities, PeerId, ServiceName};
use crate::timers::Armed;

#[derive(Debug)]
pub(super) struct WorkerRecord {
    pub(super) peer: PeerId,
    /// The identity as text, for directories and `workerId`.
    pub(super) text: String,
    pub(super) service: ServiceName,
    pub(super) pool: PoolKey,
    pub(super) concurrency: Concurrency,
    pub(super) in_flight: Vec<RequestKey>,
    /// Waiting requests that name this worker, in order of arrival.
    pub(super) targeted: BTreeMap<u64, RequestKey>,
    pub(super) tombstones: Tombstones,
    /// Number of its last dispatch.
    pub(super) last_used: u64,
    /// Its rank in the pool's free set, if it is there.
    pub(super) free_rank: Option<FreeRank>,
    /// Set for a worker of version 1.
    pub(super) capabilities: Option<Capabilities>,
    /// The longer of both sides' heartbeat intervals.
    pub(super) heartbeat: Duration,
    pub(super) last_heard: Instant,
    /// When the broker last sent it a heartbeat because it was silent.
    pub(super) last_probe: Instant,
    pub(super) armed: Armed,
}

/// Order of preference among free workers: load, then number of the last dispatch.
pub(super) type FreeRank = (usize, u64);

impl WorkerRecord {
    pub(super) fn has_room(&self) -> bool {
        self.concurrency.has_room(self.in_flight.len())
    }

    pub(super) fn can_cancel(&self) -> bool {
        self.capabilities.is_some_and(|capabilities| capabilities.cancel)
    }

    pub(super) fn can_credit(&self) -> bool {
        self.capabilities.is_some_and(|capabilities| capabilities.credit)
    }

    /// The worker's load. A worker without support for cancellation still runs the requests that
    /// the broker ended: they occupy no slot, but other workers are preferred.
    pub(super) fn rank(&self) -> FreeRank {
        let unanswered = if self.can_cancel() { 0 } else { self.tombstones.len() };
        (self.in_flight.len() + unanswered, self.last_used)
    }

    pub(super) fn liveness_deadline(&self, liveness: u32) -> Instant {
        self.last_heard + liveness_timeout(self.heartbeat, liveness)
    }

    pub(super) fn probe_at(&self, heartbeat: Duration) -> Instant {
        self.last_heard.max(self.last_probe) + heartbeat
    }
}

#[derive(Debug, Default)]
pub(super) struct Workers {
    slots: SlotMap<WorkerKey, WorkerRecord>,
    by_peer: Index<WorkerKey>,
    by_text: Index<WorkerKey>,
}

impl Workers {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    #[cfg(debug_assertions)]
    pub(super) fn iter(&self) -> impl Iterator<Item = (WorkerKey, &WorkerRecord)> {
        self.slots.iter()
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

    pub(super) fn insert_with(
        &mut self,
        hasher: &ByteHasher,
        make: impl FnOnce(WorkerKey) -> WorkerRecord,
    ) -> WorkerKey {
        let key = self.slots.insert_with_key(make);
        let worker = &self.slots[key];
        self.by_peer.insert(hasher.hash(worker.peer.as_bytes()), key);
        self.by_text.insert(hasher.hash(worker.text.as_bytes()), key);
        key
    }

    pub(super) fn remove(&mut self, hasher: &ByteHasher, key: WorkerKey) -> Option<WorkerRecord> {
        let worker = self.slots.remove(key)?;
        self.by_peer.remove(hasher.hash(worker.peer.as_bytes()), key);
        self.by_text.remove(hasher.hash(worker.text.as_bytes()), key);
        Some(worker)
    }

    pub(super) fn get(&self, key: WorkerKey) -> Option<&WorkerRecord> {
        self.slots.get(key)
    }

    pub(super) fn get_mut(&mut self, key: WorkerKey) -> Option<&mut WorkerRecord> {
        self.slots.get_mut(key)
    }
}

impl std::ops::Index<WorkerKey> for Workers {
    type Output = WorkerRecord;
    fn index(&self, key: WorkerKey) -> &WorkerRecord {
        &self.slots[key]
    }
}

impl std::ops::IndexMut<WorkerKey> for Workers {
    fn index_mut(&mut self, key: WorkerKey) -> &mut WorkerRecord {
        &mut self.slots[key]
    }
}
