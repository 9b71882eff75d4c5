//! What clients and workers tell about themselves.

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

/// Who is told. Called on the I/O thread.
pub(super) type Listener = Box<dyn FnMut(PeerEvent) + Send>;

pub(super) fn silent() -> Listener {
    Box::new(|_| {})
}
