//! The bytes that make a descriptor readable.

/// A descriptor that another thread can make readable: a pipe, a pair of sockets.
pub trait Signal {
    /// Makes the descriptor readable. Must not block.
    fn raise(&self);

    /// Undoes every [`Signal::raise`] so far. Must not block.
    fn clear(&self);
}
