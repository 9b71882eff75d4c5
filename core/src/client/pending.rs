//! The requests that a client has not got an outcome for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::entropy::Entropy;
use crate::index::{ByteHasher, Index, Map};
use crate::protocol::{ClientToBroker, Frame, RequestId, ServiceName};
use crate::timers::{Armed, Timers};

/// What the user calls a request.
pub type Token = u64;

#[derive(Debug)]
pub(super) struct Pending {
    pub(super) id: RequestId,
    pub(super) service: ServiceName,
    pub(super) data: Frame,
    pub(super) options: Frame,
    pub(super) timeout: Option<Duration>,
    pub(super) retry: bool,
    pub(super) sent: bool,
    pub(super) bytes: usize,
}

impl Pending {
    pub(super) fn message(&self) -> ClientToBroker {
        ClientToBroker::Request {
            service: self.service.clone(),
            id: self.id.clone(),
            data: self.data.clone(),
            options: self.options.clone(),
            extra: Vec::new(),
        }
    }
}

#[derive(Debug)]
struct Slot {
    request: Pending,
    /// Its place among all requests, in which they are sent, and sent again.
    place: u64,
    expires_at: Option<Instant>,
    armed: Armed,
    armed_heartbeat: Armed,
}

#[derive(Debug)]
pub(super) struct PendingRequests {
    slots: Map<Token, Slot>,
    hasher: ByteHasher,
    by_id: Index<Token>,
    /// What is to be sent, in the order in which it was made: what is sent again comes before what never was.
    unsent: BTreeMap<u64, Token>,
    next_place: u64,
    timeouts: Timers<Token>,
    heartbeats: Timers<Token>,
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
            timeouts: Timers::default(),
            heartbeats: Timers::default(),
            bytes: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn get(&self, token: Token) -> Option<&Pending> {
        self.slots.get(&token).map(|slot| &slot.request)
    }

    pub(super) fn find(&self, id: &RequestId) -> Option<Token> {
        let mut candidates = self.by_id.candidates(self.hasher.hash(id.as_bytes()));
        candidates.find(|token| self.slots[token].request.id == *id)
    }

    /// All tokens in the order in which the requests were made.
    pub(super) fn tokens(&self) -> Vec<Token> {
        let mut tokens: Vec<(u64, Token)> = self.slots.iter().map(|(token, slot)| (slot.place, *token)).collect();
        tokens.sort_unstable();
        tokens.into_iter().map(|(_, token)| token).collect()
    }

    pub(super) fn insert(
        &mut self,
        token: Token,
        request: Pending,
        expires_at: Option<Instant>,
        heartbeat_at: Instant,
    ) {
        let place = self.next_place;
        self.next_place += 1;
        let (armed, armed_heartbeat) = (Armed::default(), Armed::default());
        let mut slot = Slot { request, place, expires_at, armed, armed_heartbeat };
        if let Some(expires_at) = expires_at {
            self.timeouts.arm(token, &mut slot.armed, expires_at);
        }
        self.heartbeats.arm(token, &mut slot.armed_heartbeat, heartbeat_at);
        self.bytes += slot.request.bytes;
        self.by_id.insert(self.hasher.hash(slot.request.id.as_bytes()), token);
        if !slot.request.sent {
            self.unsent.insert(place, token);
        }
        self.slots.insert(token, slot);
    }

    pub(super) fn remove(&mut self, token: Token) -> Option<Pending> {
        let mut slot = self.slots.remove(&token)?;
        self.timeouts.disarm(&mut slot.armed);
        self.heartbeats.disarm(&mut slot.armed_heartbeat);
        self.by_id.remove(self.hasher.hash(slot.request.id.as_bytes()), token);
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
    pub(super) fn next_unsent(&mut self) -> Option<&Pending> {
        let (_, token) = self.unsent.pop_first()?;
        let slot = self.slots.get_mut(&token)?;
        slot.request.sent = true;
        Some(&slot.request)
    }

    /// After a lost connection: what was sent with `retry` is to be sent again. Returns the others that were sent.
    pub(super) fn requeue_retryable(&mut self) -> Vec<Token> {
        let sent: Vec<Token> = self.tokens().into_iter().filter(|token| self.slots[token].request.sent).collect();
        let (again, lost): (Vec<Token>, Vec<Token>) =
            sent.into_iter().partition(|token| self.slots[token].request.retry);
        for token in again {
            if let Some(slot) = self.slots.get_mut(&token) {
                slot.request.sent = false;
                self.unsent.insert(slot.place, token);
            }
        }
        lost
    }

    pub(super) fn restart_timeout(&mut self, now: Instant, token: Token) {
        if let Some(slot) = self.slots.get_mut(&token) {
            slot.expires_at = slot.request.timeout.map(|timeout| now + timeout);
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        [self.timeouts.next(), self.heartbeats.next()].into_iter().flatten().min()
    }

    /// A request whose timeout has passed; it stays until it is removed, but is not given again.
    pub(super) fn pop_expired(&mut self, now: Instant) -> Option<Token> {
        while let Some(token) = self.timeouts.pop_due(now) {
            let Some(slot) = self.slots.get_mut(&token) else { continue };
            slot.armed.fired();
            match slot.expires_at {
                Some(expires_at) if expires_at <= now => return Some(token),
                Some(expires_at) => self.timeouts.arm(token, &mut slot.armed, expires_at),
                None => {}
            }
        }
        None
    }

    /// A request whose heartbeat is due; the next one follows after `interval`.
    pub(super) fn pop_heartbeat(&mut self, now: Instant, interval: Duration) -> Option<Token> {
        let token = self.heartbeats.pop_due(now)?;
        let slot = self.slots.get_mut(&token)?;
        slot.armed_heartbeat.fired();
        let next = now + interval.max(Duration::from_millis(1));
        self.heartbeats.arm(token, &mut slot.armed_heartbeat, next);
        Some(token)
    }
}
