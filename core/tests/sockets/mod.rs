//! Shared helpers for tests with real sockets. Every wait has a deadline, generous enough for a
//! busy machine.

pub(crate) mod events;
pub(crate) mod raw;
pub(crate) mod serve;
pub(crate) mod wait;
