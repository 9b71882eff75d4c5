//! Where events go.

/// Receives the events of one handle.
///
/// Its methods run on the I/O thread, or on a thread that waits for this handle's events, under the
/// lock of the endpoint. They must neither block nor drop the last [`Handle`](super::Handle).
pub trait EventSink<E>: Send {
    /// Takes all events in the vector, oldest first, and leaves it empty.
    fn deliver(&mut self, events: &mut Vec<E>);

    /// A client's or worker's connection is being opened, under this identity.
    fn opening(&mut self, identity: &[u8]) {
        let _ = identity;
    }

    /// Whether the sink holds as many events as it should. While it is full, a client or worker
    /// reads nothing more from its connection; after making room, the consumer calls
    /// [`Handle::wake`](super::Handle::wake). A broker that stores requests reads on and refuses
    /// new ones with `persist`.
    fn is_full(&self) -> bool {
        false
    }
}
