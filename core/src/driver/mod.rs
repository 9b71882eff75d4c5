//! Ring 3: the only sockets, threads and clock. One engine serves every broker, worker and client of a process.
//!
//! An [`Engine`] is one I/O thread with a libzmq context. It starts with the first handle and ends with the last. A
//! [`Handle`] puts commands into a bounded queue and the I/O thread gives them to the machine behind it; what the
//! machine says goes, in batches, to the handle's [`EventSink`].
//!
//! ```text
//!  any thread                      the I/O thread
//!  Handle::submit ──► mailbox ──► endpoint: machine ⇄ socket
//!  EventSink ◄── batches of events ──┘
//! ```
//!
//! Two short cuts spare a wake of that thread. A command that would have to wake it is carried out on the thread that gives
//! it; and a thread that waits for a client's or worker's events reads that endpoint's socket itself, until it has what it
//! waits for (`Handle::lead`). An endpoint's lock orders them; see ADR 3.
//!
//! Sinks are called under that lock, on the I/O thread or on one that waits, and must not block. [`EventQueue`] is the sink for
//! languages that pull: it makes a file descriptor readable when events are there and hands out many at once. A thread that
//! waits for a descriptor by its own means may read the endpoint's socket itself, too (`OwnWait`).

use crate::protocol::PeerId;

mod bound_broker;
mod caller;
mod closing;
mod cork;
mod dealer;
mod engine;
mod event_queue;
mod handle;
mod lead;
mod live;
mod mailbox;
mod outbox;
mod own_wait;
mod peer;
mod peer_machine;
mod router;
mod server;
mod sleeper;
mod socket;
mod subscriber;
mod tcp;

pub use bound_broker::{BoundBroker, BrokerCommand};
pub use engine::Engine;
pub use event_queue::EventQueue;
pub use handle::Handle;
pub(crate) use handle::WeakHandle;
pub(crate) use live::Live;
pub(crate) use own_wait::OwnWait;
pub(crate) use peer::service_name;
pub use peer::{open_client, open_worker};
pub use peer_machine::{ClientCommand, WorkerCommand};
pub use router::open_broker;
pub(crate) use sleeper::Sleeper;
pub use subscriber::{open_subscriber, SubscriberCommand};

/// Where a handle's events go. Called on the I/O thread, or on one that waits for this handle's events, so it must not block,
/// nor drop the last [`Handle`].
pub trait EventSink<E>: Send {
    /// Takes all events in the vector, oldest first, and leaves it empty.
    fn deliver(&mut self, events: &mut Vec<E>);

    /// A client's or worker's connection is being opened, under this identity.
    fn opening(&mut self, identity: &PeerId) {
        let _ = identity;
    }

    /// Whether it has as much as it may hold. While that is so nothing more is read from a client's or worker's socket; whoever
    /// makes room calls [`Handle::wake`]. A broker whose requests are kept reads on and refuses new ones with `persist`.
    fn is_full(&self) -> bool {
        false
    }
}
