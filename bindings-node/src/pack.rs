//! Many events in one buffer: a header of 32-bit words for each, all of one length, and then the bodies, in order.
//!
//! The first word tells how many events there are, the second whether all bodies are ASCII, so that JavaScript may read them
//! as one string. `lib/events.js` reads what is written here.

/// Words of a header.
pub(crate) const WORDS: usize = 12;
/// Parts that a body may consist of.
const PARTS: usize = 6;

/// What an event tells; the same numbers stand in `lib/events.js`.
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

/// One event on its way into the buffer: kind, flags, token, two numbers and the lengths of up to six parts.
pub(crate) struct Record<'a> {
    pub(crate) kind: Kind,
    pub(crate) flags: u32,
    pub(crate) token: u64,
    pub(crate) numbers: [u32; 2],
    pub(crate) parts: [&'a [u8]; PARTS],
}

impl<'a> Record<'a> {
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, flags: 0, token: 0, numbers: [0; 2], parts: [&[]; PARTS] }
    }

    pub(crate) fn about(kind: Kind, token: u64) -> Self {
        Self { token, ..Self::new(kind) }
    }

    pub(crate) fn part(mut self, at: usize, bytes: &'a [u8]) -> Self {
        self.parts[at] = bytes;
        self
    }
}

/// A buffer that is being filled.
pub(crate) struct Packed {
    headers: Vec<u32>,
    bodies: Vec<u8>,
}

impl Packed {
    pub(crate) fn for_events(count: usize) -> Self {
        Self { headers: Vec::with_capacity(2 + count * WORDS), bodies: Vec::with_capacity(count * 64) }
    }

    pub(crate) fn add(&mut self, record: &Record<'_>) {
        let token = [record.token as u32, (record.token >> 32) as u32];
        self.headers.extend([record.kind as u32, record.flags]);
        self.headers.extend(token);
        self.headers.extend(record.numbers);
        self.headers.extend(record.parts.map(|part| part.len() as u32));
        record.parts.iter().for_each(|part| self.bodies.extend_from_slice(part));
    }

    /// The bytes for JavaScript, in the machine's byte order, as its typed arrays are.
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
