//! The synchronisation protocols between PIGATO's I/O thread and the threads that use it, without
//! I/O.
//!
//! | Protocol | Between | Property |
//! |---|---|---|
//! | [`Parker`] | a waiting thread and those that wake it | no wake-up is lost |
//! | [`Inbox`] | the I/O thread and all others | the I/O thread never sleeps on news |
//! | [`Mailbox`] | submitting threads and the endpoint | a command is taken once, returned by `close` or refused |
//! | [`Cork`] | submitting threads and the I/O thread | a command that is held back is taken in bounded time |
//! | [`Cell`], [`Access`] | leader, I/O thread, submitting threads | one reader of the descriptor at most, one in the end |
//! | [`EventQueue`] | producer and consumers | a watched descriptor is readable exactly while there are events |
//!
//! Each module's header draws its protocol. The models in `src/models` run this code under [loom],
//! which tries the orders in which the steps of the threads can happen, and the values that each
//! atomic load may return: `make loom`. Loom treats `SeqCst` as acquire and release, so no protocol
//! here relies on a total order of operations on different atomics.
//!
//! This crate is a part of the crate `pigato` and has no stable interface of its own.
//!
//! [loom]: https://docs.rs/loom
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod access;
mod cell;
mod cork;
mod event_queue;
mod inbox;
mod leadership;
mod mailbox;
#[cfg(all(loom, test))]
mod models;
mod parker;
mod primitives;
mod signal;

pub use access::Access;
pub use cell::{Cell, Endpoint, Processed, Progress, Scheduler};
pub use cork::{Cork, CorkWatch, CORK};
pub use event_queue::{EventQueue, Ready};
pub use inbox::Inbox;
pub use mailbox::{Mailbox, Refused};
pub use parker::Parker;
pub use signal::Signal;
