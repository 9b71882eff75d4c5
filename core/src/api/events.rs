//! What clients and workers tell about themselves.

use std::panic::{catch_unwind, AssertUnwindSafe};

use crate::protocol::Malformed;

/// Something that happened to a client or worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerEvent {
    /// It was started.
    Started,
    /// The broker has answered on a new connection.
    Connected,
    /// The connection is gone. Unless it was stopped, another one is being made.
    Disconnected,
    /// It has stopped.
    Stopped,
    /// The broker sent something that breaks the protocol; for a client also a reply that nobody waits for (any more).
    ProtocolError(Malformed),
}

/// Who is told. Called on the I/O thread, or on one that waits for this peer.
pub(super) type Listener = Box<dyn FnMut(PeerEvent) + Send>;

/// Tells a listener. One that panics costs nobody else anything: the panic is printed, and that is all.
pub(super) fn tell(listener: &mut Listener, event: PeerEvent) {
    guard(|| listener(event));
}

/// Runs a user's code on a thread that serves others too, mostly the I/O thread, and must outlive a panic of it.
pub(super) fn guard(listener: impl FnOnce()) {
    // The panic hook has printed the panic already.
    let _ = catch_unwind(AssertUnwindSafe(listener));
}

pub(super) fn silent() -> Listener {
    Box::new(|_| {})
}
