//! The binding core: what bindings to other languages are built on. Requests are numbers, and the caller pulls events.
//!
//! A [`Client`], [`Worker`] or [`Broker`] here is one handle on the I/O thread. Calls do not block, except `poll` for at most its timeout,
//! and never call back: everything that happens is an event in the handle's queue. The queue's descriptor is readable while the
//! queue is not empty, and `poll` returns many events at once. A language can so wait in its own way, and crosses into native code
//! once for many events. A language that can wait on a different descriptor each time waits faster between `begin_wait` and `end_wait`.
//!
//! - Every accepted request ends in exactly one final event: [`ClientEvent::Reply`] or [`ClientEvent::Failed`].
//! - A job lasts from [`WorkerEvent::Request`] until its final reply or [`WorkerEvent::Cancelled`].
//! - `stop` ends in the event `Stopped` ([`Event::Drained`](crate::broker::Event::Drained) for a broker); nothing follows.
//!   Dropping the last clone stops the handle at once.
//!
//! All methods may be called on any thread. In a forked child, handles of the parent return `E_FORK`.
//!
//! ```
//! use std::time::Duration;
//! use pigato::config::{BrokerOptions, ClientOptions, RequestOptions, WorkerOptions};
//! use pigato::protocol::Frame;
//! use pigato::binding::{Answer, Broker, Client, ClientEvent, Grant, Worker, WorkerEvent};
//!
//! # fn main() -> Result<(), pigato::Error> {
//! let broker = Broker::start(&["tcp://127.0.0.1:*".to_owned()], BrokerOptions::default().intch(None))?;
//! let worker = Worker::start(broker.endpoint(), "echo", WorkerOptions::default())?;
//! let client = Client::start(broker.endpoint(), ClientOptions::default(), Grant::AsPolled)?;
//! let asked = client.request("echo", Frame::from("\"hello\""), RequestOptions::default())?;
//!
//! let (mut requests, mut replies) = (Vec::new(), Vec::new());
//! while replies.is_empty() {
//!     worker.poll(&mut requests, 64, Duration::from_millis(1))?;
//!     for event in requests.drain(..) {
//!         if let WorkerEvent::Request(request) = event {
//!             worker.end(request.number(), Answer::json(request.bytes()))?;
//!         }
//!     }
//!     client.poll(&mut replies, 64, Duration::from_millis(1))?;
//!     replies.retain(|event| matches!(event, ClientEvent::Reply { number, .. } if *number == asked));
//! }
//! # Ok(())
//! # }
//! ```

mod answer;
mod broker;
mod client;
mod identity;
mod peer_methods;
mod worker;

use std::time::Duration;

use crate::entropy::Entropy;
use crate::error::{Error, ErrorCode};
use crate::reactor::{EventQueue, Handle};

pub use answer::{Answer, AnswerOptions};
pub use broker::Broker;
pub use client::{Client, ClientEvent, Grant};
pub use worker::{Worker, WorkerEvent};

/// Randomness from the operating system, for a binding that draws default names itself.
///
/// # Errors
///
/// `E_SYSTEM` if the operating system has no random numbers to give.
pub fn entropy() -> Result<Entropy, Error> {
    crate::random::entropy()
}

/// One poll of any handle. `is_last` identifies the event after which nothing follows.
fn pull<C, E>(
    handle: &Handle<C>,
    queue: &EventQueue<E>,
    into: &mut Vec<E>,
    most: usize,
    timeout: Duration,
    is_last: impl Fn(&E) -> bool,
) -> Result<usize, Error> {
    if handle.is_inherited() {
        return Err(ErrorCode::Fork.into());
    }
    let before = into.len();
    let (count, was_full) = queue.wait_for_peer(handle, into, most, timeout);
    if was_full {
        handle.wake();
    }
    if into[before..].iter().any(is_last) {
        queue.close();
    }
    if count == 0 && queue.is_closed() {
        return Err(ErrorCode::Closed.into());
    }
    Ok(count)
}
