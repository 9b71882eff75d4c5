//! Every bound of the system, with its unit and its reason. Exceeding one is an error code, an event or a counter, never silent.

use std::time::Duration;

/// Longest service name, in bytes. Names are map keys and travel with every request.
pub const SERVICE_NAME_BYTES: usize = 255;

/// Longest request id, in bytes. Published peers use 36. The broker keeps an id as long as its request.
pub const REQUEST_ID_BYTES: usize = 255;

/// Most frames in one message. The protocol uses at most 9; peers may add frames, within this bound.
pub const MESSAGE_FRAMES: usize = 1_024;

/// Default of `maxBodyBytes`: the largest data frame that a broker accepts, in bytes. A larger one ends its request with
/// `B_TOO_LARGE`.
pub const BODY_BYTES: usize = 64 << 20;

/// The largest frame that a connection accepts, in bytes. A peer that sends a larger one loses its connection. The bound
/// protects the process's memory from a single hostile frame.
pub const FRAME_BYTES: usize = 256 << 20;

/// Default of the most requests that a broker holds, waiting and in flight. Beyond it: `B_QUEUE_FULL`.
pub const BROKER_REQUESTS: usize = 1_000_000;

/// Requests that a broker holds in the buffer they were received in. Each may keep the 18 KiB of that buffer alive, so the
/// broker copies the data of further requests out.
pub const ATTACHED_REQUESTS: usize = 2_048;

/// Default of the bytes of all requests that a broker holds. Beyond it: `B_QUEUE_FULL`.
pub const BROKER_REQUEST_BYTES: usize = 1 << 30;

/// Default of the most workers registered at one broker. The broker disconnects one more.
pub const BROKER_WORKERS: usize = 65_536;

/// Default of the bytes in a broker's reply cache, keys and replies together. The least recently used entry goes first.
pub const CACHE_BYTES: usize = 64 << 20;

/// How many workers may be lost with one request before `retry` ends with `B_WORKER_LOST`. A request that crashes every
/// worker must not be retried forever.
pub const ATTEMPTS: u32 = 5;

/// Tombstones per worker: requests that the broker ended while the worker had them. They tell a late reply from a reply to a
/// request that never existed.
pub const ENDED_REQUESTS_PER_WORKER: usize = 65_536;

/// Disconnected identities that a broker remembers, so that it disconnects none twice in a generation.
pub const DISCONNECTED_IDENTITIES: usize = 16_384;

/// Work budget of a broker's expiry: deadlines handled in one turn, and expired requests skipped in a search for a live one,
/// before the broker reads its sockets again. A million requests that expire together must not delay the others.
pub const DUE_PER_TURN: usize = 1_024;

/// Shortest time between two publications of the directory. A thousand workers that start together cost a few
/// publications, not a thousand.
pub const DIRECTORY_PUBLISH_INTERVAL: Duration = Duration::from_millis(10);

/// Longest duration that a number on the wire can mean (10 years). Larger numbers are cut to it, so that adding a
/// duration to an instant cannot overflow.
pub const DURATION: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

/// Shortest and longest heartbeat interval accepted from a peer. A shorter one would flood the broker; a longer one
/// would keep dead peers registered.
pub const HEARTBEAT: (Duration, Duration) = (Duration::from_millis(1), Duration::from_secs(24 * 3_600));

/// Liveness probes may be late by heartbeat / `LIVENESS_SLACK`. The broker probes many quiet peers at once, so that 10,000 of
/// them wake it no more often than 10 do. A peer's death is still noticed exactly at its liveness timeout.
pub const LIVENESS_SLACK: u32 = 64;

/// Default of the most unanswered requests of one client. One more fails with `C_BUSY`.
pub const CLIENT_REQUESTS: usize = 1_000_000;

/// Default of the bytes of one client's unanswered requests. Beyond it: `C_BUSY`.
pub const CLIENT_REQUEST_BYTES: usize = 1 << 30;

/// Initial credit of a request: partial replies that a worker may send before the client's reader has taken any.
pub const CREDIT_PARTIALS: u32 = 1_024;

/// Longest pause between two attempts to reach a broker, and between a lost session and the next. Pauses double up to here.
pub const RECONNECT: Duration = Duration::from_secs(30);

/// Commands of one handle that wait for the I/O thread. Beyond it: `C_BUSY`, or the caller waits for room.
pub const COMMANDS: usize = 65_536;

/// Events of one handle that wait for its consumer. Beyond it the endpoint stops reading its connection.
pub const EVENTS: usize = 65_536;

/// Bytes of durable requests whose events wait for the store. Beyond it, or beyond [`EVENTS`], the broker refuses new requests with
/// `persist` (`B_QUEUE_FULL`); of those accepted before, it still reports the end and a change of client.
pub const STORED_BYTES: usize = 256 << 20;

/// Most sockets of libzmq in a process. A client or worker over `ipc` uses 3 (one, and two monitors), a broker 3.
pub const SOCKETS: i32 = 65_536;

/// Messages kept for one peer whatever their size, before the rest waits in the peer's send queue or a client or worker takes no
/// more commands. A window of thousands of requests stays below it; it bounds the cost of a peer that stops reading.
pub const SOCKET_MESSAGES: i32 = 10_000;

/// Messages in a slow peer's send queue. With one more, the peer counts as gone.
pub const SEND_QUEUE_MESSAGES: usize = 100_000;

/// Bytes in a slow peer's send queue. With more, the peer counts as gone.
pub const SEND_QUEUE_BYTES: usize = 256 << 20;

/// Unread partial replies of one request at its client. A version 1 worker runs out of credit long before; a request whose
/// published worker sends more ends with `C_BUSY`.
pub const UNREAD_PARTIALS: usize = 1 << 20;

/// Bytes of the unread partial replies of one request. A single partial reply may be larger.
pub const UNREAD_BYTES: usize = 256 << 20;
