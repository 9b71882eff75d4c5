//! The outcome of sending to a peer.

/// The outcome of sending a message.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// The message is sent or queued.
    Done,
    /// The peer is not connected.
    NoPeer,
    /// The send queue exceeded its bound and was dropped.
    Overflow,
}
