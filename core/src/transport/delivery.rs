//! The outcome of sending to a peer.

/// What became of a message.
#[derive(Debug)]
pub(crate) enum Delivery {
    /// It is on its way, or waits for its turn.
    Done,
    /// There is no such peer.
    NoPeer,
    /// More waited for the peer than may wait; all of it was thrown away.
    Overflow,
}
