//! Connection events of clients and workers.

use std::panic::{catch_unwind, AssertUnwindSafe};

use crate::protocol::Malformed;

/// A connection event of a client or worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PeerEvent {
    /// The client or worker was started.
    Started,
    /// The broker has sent its first message of a session.
    Connected,
    /// The session has ended. Another one follows unless the client or worker was stopped.
    Disconnected,
    /// The client or worker has stopped.
    Stopped,
    /// The broker sent something that breaks the protocol, or a client received a reply to a request that has ended.
    ProtocolError(Malformed),
}

/// A user's listener. It runs on the I/O thread, or on a leading thread.
pub(super) type Listener = Box<dyn FnMut(PeerEvent) + Send>;

/// Calls a listener. Its panic is printed and affects nothing else.
pub(super) fn tell(listener: &mut Listener, event: PeerEvent) {
    guard(|| listener(event));
}

/// Runs a user's code on a thread that serves others, too, mostly the I/O thread. The thread survives a panic.
pub(super) fn guard(listener: impl FnOnce()) {
    // The panic hook has printed the panic.
    let _ = catch_unwind(AssertUnwindSafe(listener));
}

pub(super) fn silent() -> Listener {
    Box::new(|_| {})
}
