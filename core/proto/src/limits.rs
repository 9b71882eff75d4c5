//! Every bound of the system, with its unit and its reason. Passing one is an explicit error, never silence.

use std::time::Duration;

/// Longest service name, in bytes. Names are map keys and travel with every request.
pub const SERVICE_NAME_BYTES: usize = 255;

/// Longest request id, in bytes. The published peers use 36; an id is kept for as long as its request lives.
pub const REQUEST_ID_BYTES: usize = 255;

/// Most frames in one message. The protocol uses at most nine; more may pass, but not without end.
pub const MESSAGE_FRAMES: usize = 1_024;

/// Default for the largest data frame that the broker takes, in bytes; beyond it a request ends with `B_TOO_LARGE`.
pub const BODY_BYTES: usize = 64 << 20;

/// Default for the largest frame that a connection takes at all, in bytes. A peer that sends more loses its connection: this
/// protects the process's memory from a single hostile frame.
pub const FRAME_BYTES: usize = 256 << 20;

/// Default for the most requests that a broker holds, waiting and in flight; beyond it: `B_QUEUE_FULL`.
pub const BROKER_REQUESTS: usize = 1_000_000;

/// Requests that a broker holds as they were received. Each may keep the 18 KiB alive that its connection was read into, so
/// that beyond this many each further one is copied out of there.
pub const ATTACHED_REQUESTS: usize = 2_048;

/// Default for the bytes of all requests that a broker holds; beyond it: `B_QUEUE_FULL`.
pub const BROKER_REQUEST_BYTES: usize = 1 << 30;

/// Default for the most workers registered at one broker. One more is told to disconnect.
pub const BROKER_WORKERS: usize = 65_536;

/// Default for the bytes that the broker's reply cache holds, keys and replies together. The oldest use goes first.
pub const CACHE_BYTES: usize = 64 << 20;

/// How many workers a request may be lost with before `retry` gives up with `B_WORKER_LOST`: a request that kills
/// every worker that touches it must not go round for ever.
pub const ATTEMPTS: u32 = 5;

/// How many requests that the broker ended itself are remembered for each worker, so that a late reply to one is
/// told from a reply to a request that never was.
pub const ENDED_REQUESTS_PER_WORKER: usize = 65_536;

/// How many identities that were told to disconnect are remembered, so that none is told twice in a generation.
pub const DISCONNECTED_IDENTITIES: usize = 16_384;

/// Deadlines that a broker handles in one turn, and overdue requests that it ends on its way to one that is not, before it
/// looks at its sockets again: a million requests that expire at the same time must not stall those of others.
pub const DUE_PER_TURN: usize = 1_024;

/// Shortest time between two publications of the directory. A thousand workers that start together cost some
/// publications, not a thousand.
pub const DIRECTORY_PUBLISH_INTERVAL: Duration = Duration::from_millis(10);

/// Longest duration that a number from the wire stands for (ten years). More is taken as this much, so that adding
/// it to a point in time cannot overflow.
pub const DURATION: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

/// Shortest and longest heartbeat interval believed of a peer. Less would flood, more would never notice a death.
pub const HEARTBEAT: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(24 * 3_600));

/// By which part of its interval between heartbeats a broker may be late to look after a quiet peer: it looks after many at
/// once, so that 10,000 of them wake it no oftener than ten do. That one is gone it notices on time.
pub const LIVENESS_SLACK: u32 = 64;

/// Default for the requests that one client may have unanswered; one more fails with `C_BUSY`.
pub const CLIENT_REQUESTS: usize = 1_000_000;

/// Default for the bytes of the requests that one client may have unanswered; beyond it: `C_BUSY`.
pub const CLIENT_REQUEST_BYTES: usize = 1 << 30;

/// Partial replies that a client lets a worker send ahead of its consumer, for each request.
pub const CREDIT_PARTIALS: u32 = 1_024;

/// Longest pause between two attempts to reconnect; the pause doubles from the `reconnect` setting up to here.
pub const RECONNECT: Duration = Duration::from_secs(30);

/// Commands of one handle that may wait for the I/O thread. Beyond it `C_BUSY`, or waiting for room.
pub const COMMANDS: usize = 65_536;

/// Events of one handle that may wait for its consumer; beyond it nothing more is read from its socket.
pub const EVENTS: usize = 65_536;

/// Bytes of stored requests that may wait for whoever keeps them. Beyond it, or beyond [`EVENTS`], new requests with `persist`
/// are refused with `B_QUEUE_FULL`; of those taken in before, only their end (and a change of client) is still told.
pub const STORED_BYTES: usize = 256 << 20;

/// Most sockets of libzmq in a process: three for each client or worker at `ipc` (one, and two that watch it), three for a broker.
pub const SOCKETS: i32 = 65_536;

/// Messages that are kept for one peer whatever their size, by libzmq each way, before the rest waits in that peer's outbox, or a
/// client or worker takes no more. Large enough that a window of thousands of requests never meets it, small enough to bound what
/// a peer that stops reading costs.
pub const SOCKET_MESSAGES: i32 = 10_000;

/// Messages that wait in a slow peer's outbox; one more, and the peer counts as gone.
pub const SEND_QUEUE_MESSAGES: usize = 100_000;

/// Bytes that wait in a slow peer's outbox; more, and the peer counts as gone.
pub const SEND_QUEUE_BYTES: usize = 256 << 20;

/// Partial replies of one request that may wait for their reader. Workers of version 1 stop long before, for lack of
/// credit; a request whose published worker does not ends with `C_BUSY` here.
pub const UNREAD_PARTIALS: usize = 1 << 20;

/// Bytes of them. One partial reply alone may be larger.
pub const UNREAD_BYTES: usize = 256 << 20;
