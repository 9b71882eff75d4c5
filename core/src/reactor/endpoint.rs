//! What the I/O thread runs: the trait of an endpoint, and the part of the engine that an endpoint
//! may use.

use std::io;
use std::os::fd::RawFd;
use std::time::Instant;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use pigato_sync::Progress;

/// Bits of a mio token that tell the descriptors of one endpoint apart.
const SLOT_BITS: u32 = usize::BITS / 2;

/// Sockets and the state behind them. The I/O thread owns it.
pub(crate) trait Endpoint: Send {
    /// Notes which of its descriptors is ready; the engine processes the endpoint next.
    fn ready(&mut self, slot: usize, readiness: Readiness) {
        let _ = (slot, readiness);
    }

    /// Does a bounded amount of the pending work.
    fn process(&mut self, now: Instant, io: &Io<'_>) -> Progress;

    /// Carries out queued commands on the thread that submitted them, as far as that needs neither
    /// the engine nor the sink. Returns whether nothing is left for the I/O thread.
    fn carry_out_commands(&mut self, now: Instant) -> bool {
        let _ = now;
        false
    }

    /// Lets the calling thread wait for input instead of the I/O thread. Returns whether there is a
    /// connection to wait for.
    fn release(&mut self, io: &Io<'_>) -> bool {
        let _ = io;
        false
    }

    /// The descriptor to wait for, as long as the released connection is the current one.
    fn released(&self) -> Option<RawFd> {
        None
    }

    /// Reads and delivers input on the calling thread. Returns the number of messages, and whether
    /// nothing is left for the I/O thread.
    fn read(&mut self, now: Instant) -> (usize, bool) {
        let _ = now;
        (0, false)
    }

    /// Makes the I/O thread wait for input again. Returns whether that worked.
    fn take_back(&mut self, io: &Io<'_>) -> bool {
        let _ = io;
        true
    }

    /// When the engine processes the endpoint next even if nothing happens.
    fn deadline(&self) -> Option<Instant>;

    /// Ends without delay. The engine calls it when it stops waiting for a regular end.
    fn abort(&mut self, io: &Io<'_>);
}

/// The state of a descriptor as the operating system reports it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Readiness {
    pub(crate) is_readable: bool,
    pub(crate) is_writable: bool,
    /// The peer sends nothing more, or the connection is broken.
    pub(crate) is_ending: bool,
}

/// The part of the engine that an endpoint may use.
pub(crate) struct Io<'a> {
    registry: &'a Registry,
    id: u64,
}

impl<'a> Io<'a> {
    pub(super) fn new(registry: &'a Registry, id: u64) -> Self {
        Self { registry, id }
    }

    /// Processes the endpoint whenever `descriptor` becomes readable. `slot` tells the endpoint's
    /// descriptors apart.
    pub(crate) fn watch(&self, descriptor: RawFd, slot: usize) -> io::Result<()> {
        self.register(descriptor, slot, Interest::READABLE)
    }

    /// As [`Io::watch`], and also whenever `descriptor` becomes writable.
    pub(crate) fn watch_stream(&self, descriptor: RawFd, slot: usize) -> io::Result<()> {
        self.register(descriptor, slot, Interest::READABLE | Interest::WRITABLE)
    }

    fn register(&self, descriptor: RawFd, slot: usize, interest: Interest) -> io::Result<()> {
        self.registry.register(&mut SourceFd(&descriptor), token(self.id, slot), interest)
    }

    pub(crate) fn unwatch(&self, descriptor: RawFd) {
        // Fails only for a descriptor that is not watched; then there is nothing to undo.
        let _ = self.registry.deregister(&mut SourceFd(&descriptor));
    }
}

/// The token of one descriptor of one endpoint. Endpoint ids start at 1.
fn token(id: u64, slot: usize) -> Token {
    Token(((id as usize) << SLOT_BITS) | slot)
}

/// The endpoint and the slot of a token.
pub(super) fn endpoint_and_slot(token: Token) -> (u64, usize) {
    ((token.0 >> SLOT_BITS) as u64, token.0 & ((1 << SLOT_BITS) - 1))
}
