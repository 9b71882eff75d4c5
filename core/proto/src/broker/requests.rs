//! The requests that the broker holds.

use std::time::{Duration, Instant};

use slotmap::SlotMap;

use super::keys::{ClientKey, QueueKey, RequestKey, WorkerKey};
use super::rejecters::Rejecters;
use crate::index::{ByteHasher, Index};
use crate::protocol::{Frame, PeerId, RequestId, RequestSettings, ServiceName};
use crate::timers::Armed;

/// Where a request is. Exactly one collection contains its key besides its client's list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Location {
    /// Not placed yet, or between two locations.
    Unplaced,
    /// In the lane of this queue that belongs to its rejecters.
    Queued(QueueKey),
    /// Waits for one worker, which is registered and serves the name.
    Targeted(WorkerKey),
    /// Waits for one worker, which is not registered, does not serve the name or rejected the
    /// request.
    Orphaned,
    /// At a worker; `slot` is its index in the worker's list.
    InFlight { worker: WorkerKey, slot: usize },
}

#[derive(Debug)]
pub(super) struct RequestRecord {
    pub(super) client: ClientKey,
    /// Its index in the client's list.
    pub(super) client_slot: usize,
    /// The client identity that the worker received, if the client has reconnected under another.
    pub(super) dispatched_as: Option<Box<PeerId>>,
    pub(super) id: RequestId,
    pub(super) service: ServiceName,
    pub(super) data: Frame,
    pub(super) options: Frame,
    pub(super) extra: Vec<Frame>,
    pub(super) settings: RequestSettings,
    pub(super) location: Location,
    /// Order of arrival; a request keeps it when it is requeued.
    pub(super) sequence: u64,
    /// When it expires; each partial reply extends it.
    pub(super) expires_at: Option<Instant>,
    pub(super) armed: Armed,
    pub(super) rejecters: Rejecters,
    /// Number of dispatches, including the present one; rejected and unsent ones do not count.
    pub(super) attempt: u32,
    /// Partial replies that the client has granted so far; `None`: the client uses no credit.
    pub(super) credit: Option<u64>,
    pub(super) partials: u64,
    pub(super) bytes: usize,
}

impl RequestRecord {
    /// Credit that the client granted and no partial reply has used.
    pub(super) fn open_credit(&self) -> Option<u32> {
        let credit = self.credit?.saturating_sub(self.partials);
        Some(u32::try_from(credit).unwrap_or(u32::MAX))
    }

    pub(super) fn timeout(&self) -> Option<Duration> {
        self.settings.timeout.duration()
    }

    pub(super) fn worker(&self) -> Option<WorkerKey> {
        match self.location {
            Location::InFlight { worker, .. } => Some(worker),
            _ => None,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Requests {
    slots: SlotMap<RequestKey, RequestRecord>,
    by_id: Index<RequestKey>,
    pub(super) bytes: usize,
    pub(super) in_flight: usize,
}

impl Requests {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    #[cfg(debug_assertions)]
    pub(super) fn iter(&self) -> impl Iterator<Item = (RequestKey, &RequestRecord)> {
        self.slots.iter()
    }

    pub(super) fn get_mut(&mut self, key: RequestKey) -> Option<&mut RequestRecord> {
        self.slots.get_mut(key)
    }

    pub(super) fn keys(&self) -> Vec<RequestKey> {
        self.slots.keys().collect()
    }

    pub(super) fn insert(&mut self, hasher: &ByteHasher, request: RequestRecord) -> RequestKey {
        let hash = hasher.hash(request.id.as_bytes());
        self.bytes += request.bytes;
        let key = self.slots.insert(request);
        self.by_id.insert(hash, key);
        key
    }

    pub(super) fn remove(&mut self, hasher: &ByteHasher, key: RequestKey) -> Option<RequestRecord> {
        let request = self.slots.remove(key)?;
        self.by_id.remove(hasher.hash(request.id.as_bytes()), key);
        self.bytes -= request.bytes;
        Some(request)
    }

    /// All requests under this id, of any client: usually one.
    pub(super) fn with_id<'a>(
        &'a self,
        hasher: &ByteHasher,
        id: &'a RequestId,
    ) -> impl Iterator<Item = (RequestKey, &'a RequestRecord)> + 'a {
        self.by_id
            .candidates(hasher.hash(id.as_bytes()))
            .map(|key| (key, &self.slots[key]))
            .filter(move |(_, request)| request.id == *id)
    }
}

impl std::ops::Index<RequestKey> for Requests {
    type Output = RequestRecord;
    fn index(&self, key: RequestKey) -> &RequestRecord {
        &self.slots[key]
    }
}

impl std::ops::IndexMut<RequestKey> for Requests {
    fn index_mut(&mut self, key: RequestKey) -> &mut RequestRecord {
        &mut self.slots[key]
    }
}
