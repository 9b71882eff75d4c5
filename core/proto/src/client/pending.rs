//! The pending requests of a client: those without an outcome.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::entropy::Entropy;
use crate::index::{ByteHasher, Index, Map};
use crate::protocol::{ClientToBroker, Frame, RequestId, ServiceName};
use crate::timers::{Armed, Timers};

/// The number by which the user names a pending request.
pub type RequestNumber = u64;

/// The parts of a request beside its id.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) service: ServiceName,
    pub(super) data: Frame,
    pub(super) options: Frame,
}

impl Content {
    pub(super) fn message(self, id: RequestId) -> ClientToBroker {
        let Self { service, data, options } = self;
        ClientToBroker::Request { service, id, data, options, extra: Vec::new() }
    }
}

/// A request without an outcome.
#[derive(Debug)]
pub(super) struct PendingRequest {
    pub(super) id: RequestId,
    /// Kept only while the request must still be sent, or may have to be sent again.
    pub(super) content: Option<Box<Content>>,
    pub(super) timeout: Option<Duration>,
    pub(super) retry: bool,
    pub(super) sent: bool,
    pub(super) bytes: usize,
}

/// What is due for a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum DueRequest {
    /// Its timeout has passed. The request stays until the caller removes it; `pop_due` does not return it again.
    Expired(RequestNumber),
    /// A heartbeat to its worker: the reply is still wanted. The next one follows after the interval.
    Heartbeat(RequestNumber),
}

#[derive(Debug)]
struct Slot {
    request: PendingRequest,
    /// Position among all requests. Requests are sent, and sent again, in this order.
    place: u64,
    expires_at: Option<Instant>,
    heartbeat_at: Instant,
    armed: Armed,
}

impl Slot {
    fn due_at(&self) -> Instant {
        self.expires_at.map_or(self.heartbeat_at, |expires_at| expires_at.min(self.heartbeat_at))
    }
}

#[derive(Debug)]
pub(super) struct PendingRequests {
    slots: Map<RequestNumber, Slot>,
    hasher: ByteHasher,
    by_id: Index<RequestNumber>,
    /// Requests to send, in the order in which they were made: those to send again precede new ones.
    unsent: BTreeMap<u64, RequestNumber>,
    next_place: u64,
    timers: Timers<RequestNumber>,
    bytes: usize,
}

impl PendingRequests {
    pub(super) fn new(entropy: &mut Entropy) -> Self {
        Self {
            slots: Map::default(),
            hasher: ByteHasher::new(entropy.number()),
            by_id: Index::default(),
            unsent: BTreeMap::new(),
            next_place: 0,
            timers: Timers::default(),
            bytes: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn get(&self, number: RequestNumber) -> Option<&PendingRequest> {
        self.slots.get(&number).map(|slot| &slot.request)
    }

    pub(super) fn find(&self, id: &RequestId) -> Option<RequestNumber> {
        let mut candidates = self.by_id.candidates(self.hasher.hash(id.as_bytes()));
        candidates.find(|number| self.slots[number].request.id == *id)
    }

    /// All request numbers, in the order in which the requests were made.
    pub(super) fn numbers(&self) -> Vec<RequestNumber> {
        let mut numbers: Vec<(u64, RequestNumber)> =
            self.slots.iter().map(|(number, slot)| (slot.place, *number)).collect();
        numbers.sort_unstable();
        numbers.into_iter().map(|(_, number)| number).collect()
    }

    pub(super) fn insert(
        &mut self,
        number: RequestNumber,
        request: PendingRequest,
        expires_at: Option<Instant>,
        heartbeat_at: Instant,
    ) {
        let place = self.next_place;
        self.next_place += 1;
        let mut slot = Slot { request, place, expires_at, heartbeat_at, armed: Armed::default() };
        let due_at = slot.due_at();
        self.timers.arm(number, &mut slot.armed, due_at);
        self.bytes += slot.request.bytes;
        self.by_id.insert(self.hasher.hash(slot.request.id.as_bytes()), number);
        if !slot.request.sent {
            self.unsent.insert(place, number);
        }
        self.slots.insert(number, slot);
    }

    pub(super) fn remove(&mut self, number: RequestNumber) -> Option<PendingRequest> {
        let mut slot = self.slots.remove(&number)?;
        self.timers.disarm(&mut slot.armed);
        self.by_id.remove(self.hasher.hash(slot.request.id.as_bytes()), number);
        self.bytes -= slot.request.bytes;
        if !slot.request.sent {
            self.unsent.remove(&slot.place);
        }
        Some(slot.request)
    }

    pub(super) fn has_unsent(&self) -> bool {
        !self.unsent.is_empty()
    }

    /// The next request to send; it counts as sent from now on.
    pub(super) fn next_unsent(&mut self) -> Option<ClientToBroker> {
        let (_, number) = self.unsent.pop_first()?;
        let request = &mut self.slots.get_mut(&number)?.request;
        request.sent = true;
        let content = if request.retry { request.content.clone() } else { request.content.take() }?;
        Some(content.message(request.id.clone()))
    }

    /// After a lost session: queues the sent requests with `retry` again. Returns the other sent requests.
    pub(super) fn requeue_retryable(&mut self) -> Vec<RequestNumber> {
        let sent: Vec<RequestNumber> =
            self.numbers().into_iter().filter(|number| self.slots[number].request.sent).collect();
        let (again, lost): (Vec<RequestNumber>, Vec<RequestNumber>) =
            sent.into_iter().partition(|number| self.slots[number].request.retry);
        for number in again {
            if let Some(slot) = self.slots.get_mut(&number) {
                slot.request.sent = false;
                self.unsent.insert(slot.place, number);
            }
        }
        lost
    }

    pub(super) fn restart_timeout(&mut self, now: Instant, number: RequestNumber) {
        if let Some(slot) = self.slots.get_mut(&number) {
            slot.expires_at = slot.request.timeout.map(|timeout| now + timeout);
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// The next request for which something is due. Heartbeats are `interval` apart.
    pub(super) fn pop_due(&mut self, now: Instant, interval: Duration) -> Option<DueRequest> {
        while let Some(number) = self.timers.pop_due(now) {
            let Some(slot) = self.slots.get_mut(&number) else { continue };
            slot.armed.fired();
            if slot.expires_at.is_some_and(|expires_at| expires_at <= now) {
                return Some(DueRequest::Expired(number));
            }
            let is_heartbeat = slot.heartbeat_at <= now;
            if is_heartbeat {
                slot.heartbeat_at = now + interval.max(Duration::from_millis(1));
            }
            let due_at = slot.due_at();
            self.timers.arm(number, &mut slot.armed, due_at);
            if is_heartbeat {
                return Some(DueRequest::Heartbeat(number));
            }
        }
        None
    }
}
