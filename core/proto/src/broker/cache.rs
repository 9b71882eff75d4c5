//! The reply cache: replies that a worker allowed the broker to repeat (`opts.cache`). Bounded in
//! bytes; evicts the least recently used entry.

use std::collections::BTreeMap;
use std::time::Instant;

use hashbrown::HashMap;

use crate::config::Codec;
use crate::index::ByteHasher;
use crate::protocol::{Frame, Payload, ServiceName};

/// Estimated cost of an entry beside its bytes.
const ENTRY_OVERHEAD_BYTES: usize = 256;

#[derive(Debug)]
pub(super) struct ReplyCache {
    limit: usize,
    bytes: usize,
    entries: HashMap<u64, Entry, foldhash::fast::FixedState>,
    /// Keys by the number of their last use.
    by_use: BTreeMap<u64, u64>,
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    service: ServiceName,
    data: Frame,
    codec: Codec,
    payload: Payload,
    expires_at: Instant,
    last_use: u64,
    bytes: usize,
}

impl ReplyCache {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, bytes: 0, entries: HashMap::default(), by_use: BTreeMap::new(), uses: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    #[cfg(debug_assertions)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    #[cfg(debug_assertions)]
    pub(super) fn check_invariants(&self) {
        let bytes: usize = self.entries.values().map(|entry| entry.bytes).sum();
        assert_eq!(self.bytes, bytes, "bytes of the cache");
        assert!(bytes <= self.limit, "the cache is too large");
        assert_eq!(self.by_use.len(), self.entries.len(), "order of use in the cache");
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The unexpired reply to this service and data. `key` is their hash.
    pub(super) fn get(
        &mut self,
        now: Instant,
        key: u64,
        service: &ServiceName,
        data: &[u8],
        codec: Codec,
    ) -> Option<Payload> {
        let entry = self.entries.get_mut(&key)?;
        if entry.expires_at <= now {
            self.remove(key);
            return None;
        }
        if entry.service != *service || &*entry.data != data || entry.codec != codec {
            return None;
        }
        self.uses += 1;
        self.by_use.remove(&entry.last_use);
        self.by_use.insert(self.uses, key);
        entry.last_use = self.uses;
        Some(entry.payload.clone())
    }

    pub(super) fn insert(
        &mut self,
        expires_at: Instant,
        key: u64,
        service: &ServiceName,
        data: &Frame,
        codec: Codec,
        payload: &Payload,
    ) {
        let bytes = service.as_bytes().len() + data.len() + payload.len_bytes() + ENTRY_OVERHEAD_BYTES;
        if bytes > self.limit {
            return;
        }
        self.remove(key);
        while self.bytes + bytes > self.limit {
            let Some((_, oldest)) = self.by_use.first_key_value() else { break };
            self.remove(*oldest);
        }
        self.uses += 1;
        self.by_use.insert(self.uses, key);
        self.bytes += bytes;
        let entry = Entry {
            service: service.detached(),
            data: data.detached(),
            codec,
            payload: detached(payload),
            expires_at,
            last_use: self.uses,
            bytes,
        };
        self.entries.insert(key, entry);
    }

    fn remove(&mut self, key: u64) {
        if let Some(entry) = self.entries.remove(&key) {
            self.bytes -= entry.bytes;
            self.by_use.remove(&entry.last_use);
        }
    }
}

/// The key of the reply to `data` at a service.
pub(super) fn cache_key(hasher: &ByteHasher, service: &ServiceName, data: &Frame) -> u64 {
    hasher.hash_pair(service.as_bytes(), data)
}

/// Copies the frames: received ones may keep alive buffers larger than the counted bytes.
fn detached(payload: &Payload) -> Payload {
    Payload {
        status: payload.status.detached(),
        data: payload.data.detached(),
        options: payload.options.as_ref().map(Frame::detached),
        extra: payload.extra.iter().map(Frame::detached).collect(),
    }
}
