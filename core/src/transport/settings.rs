//! Times that all transports share.

use std::time::Duration;

/// How long a closing socket may take to send what it was given. Infinite, libzmq's default, hangs for ever when the peer is
/// gone; zero loses the farewell.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// How the system finds out that a peer's machine is gone: after so long without a sign of life it asks, so often.
pub(crate) const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
pub(crate) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
pub(crate) const KEEPALIVE_PROBES: u32 = 3;

/// How often a message that found no room is tried again. ROUTER does not tell when a peer has room.
pub(crate) const SEND_RETRY: Duration = Duration::from_millis(1);

/// Batches of messages that are read before a deadline that has passed is acted upon: enough for what piles up while a
/// process is stopped for a while, and not without end under a flood.
pub(crate) const OVERDUE_BATCHES: usize = 64;
