//! The reactor: one I/O thread that runs every broker, worker and client of a process.
//!
//! An [`Engine`] is the I/O thread. It starts with the first handle and ends with the last. A
//! [`Handle`] puts commands into a bounded mailbox; the I/O thread passes them to the endpoint
//! behind the handle. The endpoint's events go, in batches, to the handle's [`EventSink`]. The
//! reactor knows neither frames nor state machines.
//!
//! ```text
//!  any thread                        I/O thread
//!  Handle::submit ──► mailbox ──► endpoint ⇄ sockets
//!  EventSink ◄── batches of events ──┘
//! ```
//!
//! Two shortcuts avoid a wake-up of the I/O thread. A thread that submits a command while the I/O
//! thread sleeps carries the command out itself. A thread that waits for the events of a client or
//! worker reads that endpoint's connection itself (leader/followers, `Handle::lead`). The lock of
//! the endpoint's cell orders them; see ADR 3.
//!
//! Sinks run under that lock, on the I/O thread or on a waiting thread, and must not block.
//! [`EventQueue`] is the sink for languages that pull events: its descriptor is readable while it
//! holds events, and one call takes many. A thread that waits on a descriptor by its language's own
//! means can read the connection, too (`ExternalWait`).
//!
//! The protocols between the threads are the crate `pigato-sync`, which does no I/O. Each is drawn
//! in its module there and checked with loom (`make loom`). This module adds descriptors, clocks
//! and forks.

mod endpoint;
mod engine;
mod event_loop;
mod event_queue;
mod external_wait;
mod handle;
mod parker;
mod poll;
mod shared;
mod sink;
mod socket_pair;

pub(crate) use endpoint::{Endpoint, Io, Readiness};
pub use engine::Engine;
pub use event_queue::EventQueue;
pub(crate) use external_wait::ExternalWait;
pub use handle::Handle;
pub(crate) use handle::{Mailbox, WeakHandle};
pub(crate) use parker::Parker;
pub(crate) use pigato_sync::{CorkWatch, Progress};
pub use sink::EventSink;
