//! Clients that the broker knows: those with unanswered requests and those that send heartbeats.

use std::time::{Duration, Instant};

use slotmap::SlotMap;

use super::keys::{ClientKey, RequestKey};
use crate::config::liveness_timeout;
use crate::index::{ByteHasher, Index};
use crate::protocol::{ClientHello, PeerId};
use crate::timers::Armed;

#[derive(Debug)]
pub(super) struct ClientRecord {
    pub(super) peer: PeerId,
    /// Number of this session. A client that sees another number knows that the broker dropped its
    /// requests.
    pub(super) session: u64,
    /// Number of the client's connection, if the client announced one.
    pub(super) connection: Option<u64>,
    pub(super) requests: Vec<RequestKey>,
    /// Initial credit of each request in partial replies; `None`: the client uses no credit.
    pub(super) credit: Option<u32>,
    /// Set by the first heartbeat. The broker ignores the silence of clients without heartbeats.
    pub(super) heartbeats: Option<HeartbeatState>,
    pub(super) armed: Armed,
}

/// When a client was heard, and how often it sends heartbeats.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeartbeatState {
    last_heard: Instant,
    last_heartbeat: Instant,
    /// The longest interval announced or observed: published clients do not announce theirs.
    interval: Duration,
}

impl ClientRecord {
    pub(super) fn heard(&mut self, now: Instant) {
        if let Some(heartbeats) = &mut self.heartbeats {
            heartbeats.last_heard = now;
        }
    }

    pub(super) fn heartbeat(&mut self, now: Instant, hello: Option<&ClientHello>) {
        let announced = hello.map_or(Duration::ZERO, |hello| hello.heartbeat);
        let interval = match self.heartbeats {
            Some(heartbeats) => heartbeats.interval.max(now.saturating_duration_since(heartbeats.last_heartbeat)),
            None => Duration::ZERO,
        };
        self.heartbeats =
            Some(HeartbeatState { last_heard: now, last_heartbeat: now, interval: interval.max(announced) });
    }

    /// When the client counts as gone if it stays silent.
    pub(super) fn liveness_deadline(&self, heartbeat: Duration, liveness: u32) -> Option<Instant> {
        let heartbeats = self.heartbeats?;
        Some(heartbeats.last_heard + liveness_timeout(heartbeat.max(heartbeats.interval), liveness))
    }
}

#[derive(Debug, Default)]
pub(super) struct Clients {
    slots: SlotMap<ClientKey, ClientRecord>,
    by_peer: Index<ClientKey>,
    sessions: u64,
}

impl Clients {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    #[cfg(debug_assertions)]
    pub(super) fn iter(&self) -> impl Iterator<Item = (ClientKey, &ClientRecord)> {
        self.slots.iter()
    }

    pub(super) fn find(&self, hasher: &ByteHasher, peer: &PeerId) -> Option<ClientKey> {
        let mut candidates = self.by_peer.candidates(hasher.hash(peer.as_bytes()));
        candidates.find(|key| self.slots[*key].peer == *peer)
    }

    pub(super) fn find_or_insert(&mut self, hasher: &ByteHasher, peer: &PeerId) -> ClientKey {
        if let Some(key) = self.find(hasher, peer) {
            return key;
        }
        self.sessions += 1;
        let client = ClientRecord {
            peer: peer.clone(),
            session: self.sessions,
            connection: None,
            requests: Vec::new(),
            credit: None,
            heartbeats: None,
            armed: Armed::default(),
        };
        let key = self.slots.insert(client);
        self.by_peer.insert(hasher.hash(peer.as_bytes()), key);
        key
    }

    pub(super) fn remove(&mut self, hasher: &ByteHasher, key: ClientKey) -> Option<ClientRecord> {
        let client = self.slots.remove(key)?;
        self.by_peer.remove(hasher.hash(client.peer.as_bytes()), key);
        Some(client)
    }

    pub(super) fn get_mut(&mut self, key: ClientKey) -> Option<&mut ClientRecord> {
        self.slots.get_mut(key)
    }
}

impl std::ops::Index<ClientKey> for Clients {
    type Output = ClientRecord;
    fn index(&self, key: ClientKey) -> &ClientRecord {
        &self.slots[key]
    }
}

impl std::ops::IndexMut<ClientKey> for Clients {
    fn index_mut(&mut self, key: ClientKey) -> &mut ClientRecord {
        &mut self.slots[key]
    }
}
