//! Times that all transports share.

use std::time::Duration;

/// How long a closing socket may take to send its last messages. Without a bound, libzmq's default, it hangs forever when the peer
/// is gone; with 0 the final messages are lost.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// TCP keepalive, which detects that a peer's machine is gone: idle time, interval and number of probes.
pub(crate) const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
pub(crate) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
pub(crate) const KEEPALIVE_PROBES: u32 = 3;

/// Interval at which queued messages are tried again. A ROUTER does not report when a peer has room.
pub(crate) const SEND_RETRY: Duration = Duration::from_millis(1);

/// Most batches of messages that an endpoint reads before it acts on an expired deadline: enough for the backlog of a process that was
/// paused, and bounded under a flood.
pub(crate) const OVERDUE_BATCHES: usize = 64;
