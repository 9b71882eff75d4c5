//! Where events go.

/// Where a handle's events go. Called on the I/O thread, or on one that waits for this handle's events, so it must not block,
/// nor drop the last [`Handle`](super::Handle).
pub trait EventSink<E>: Send {
    /// Takes all events in the vector, oldest first, and leaves it empty.
    fn deliver(&mut self, events: &mut Vec<E>);

    /// A client's or worker's connection is being opened, under this identity.
    fn opening(&mut self, identity: &[u8]) {
        let _ = identity;
    }

    /// Whether it has as much as it may hold. While that is so nothing more is read from a client's or worker's socket; whoever
    /// makes room calls [`Handle::wake`](super::Handle::wake). A broker whose requests are kept reads on and refuses new ones with `persist`.
    fn is_full(&self) -> bool {
        false
    }
}
