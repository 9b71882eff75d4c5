//! Packs many events into one buffer, which `lib/events.js` reads.
//!
//! Layout: the number of events; 1 if all bodies are ASCII, so that JavaScript may convert them to
//! one string; a header of [`WORDS`] 32-bit words for each event; the bodies in the same order.

/// Words of a header.
pub(crate) const WORDS: usize = 12;
/// Parts of a body.
const PARTS: usize = 6;

/// The kind of an event; `lib/events.js` has the same numbers.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Connected = 1,
    Disconnected = 2,
    Stopped = 3,
    ProtocolError = 4,
    Reply = 5,
    Failed = 6,
    Request = 7,
    Cancelled = 8,
    Heartbeat = 9,
    Writable = 10,
    WorkerJoined = 11,
    WorkerLeft = 12,
    ClientLeft = 13,
    Stored = 14,
    Removed = 15,
}

/// Flags of a header's second word.
pub(crate) const FINAL: u32 = 1;
pub(crate) const RAW: u32 = 2;
pub(crate) const FROM_WORKER: u32 = 4;
pub(crate) const FROM_BROKER: u32 = 8;
pub(crate) const NEVER: u32 = 16;

/// One event: kind, flags, request number, two values and up to six parts. What values and parts
/// mean depends on the kind.
pub(crate) struct Record<'a> {
    pub(crate) kind: Kind,
    pub(crate) flags: u32,
    pub(crate) number: u64,
    pub(crate) values: [u32; 2],
    pub(crate) parts: [&'a [u8]; PARTS],
}

impl<'a> Record<'a> {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, flags: 0, number: 0, values: [0; 2], parts: [&[]; PARTS] }
    }

    /// An event about the request with this number.
    pub(crate) fn about(kind: Kind, number: u64) -> Self {
        Self { number, ..Self::new(kind) }
    }

    pub(crate) fn part(mut self, at: usize, bytes: &'a [u8]) -> Self {
        self.parts[at] = bytes;
        self
    }
}

/// A buffer under construction.
pub(crate) struct Packed {
    headers: Vec<u32>,
    bodies: Vec<u8>,
}

impl Packed {
    pub(crate) fn for_events(count: usize) -> Self {
        Self { headers: Vec::with_capacity(2 + count * WORDS), bodies: Vec::with_capacity(count * 64) }
    }

    pub(crate) fn add(&mut self, record: &Record<'_>) {
        let number = [record.number as u32, (record.number >> 32) as u32];
        self.headers.extend([record.kind as u32, record.flags]);
        self.headers.extend(number);
        self.headers.extend(record.values);
        self.headers.extend(record.parts.map(|part| part.len() as u32));
        record.parts.iter().for_each(|part| self.bodies.extend_from_slice(part));
    }

    /// The bytes for JavaScript, with words in the machine's byte order, as in its typed arrays.
    pub(crate) fn finish(self) -> Vec<u8> {
        let count = (self.headers.len() / WORDS) as u32;
        let is_ascii = u32::from(self.bodies.is_ascii());
        let mut bytes = Vec::with_capacity((2 + self.headers.len()) * 4 + self.bodies.len());
        for word in [count, is_ascii].iter().chain(&self.headers) {
            bytes.extend_from_slice(&word.to_ne_bytes());
        }
        bytes.extend_from_slice(&self.bodies);
        bytes
    }
}
