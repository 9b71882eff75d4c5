//! The connection of a client or worker to its broker, independent of the transport.

use std::os::fd::RawFd;
use std::time::Instant;

use pigato_frame::Frame;

use super::zmq::Closing;
use crate::error::Error;
use crate::reactor::{Io, Readiness};

/// A change of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransportEvent {
    Up,
    Down,
}

/// One connection of a client or worker.
pub(crate) trait BrokerConnection: Send {
    /// Whether the connection counts as up as soon as it is opened.
    fn is_up_at_once(&self) -> bool {
        false
    }

    /// Notes the readiness of its descriptor.
    fn ready(&mut self, readiness: Readiness) {
        let _ = readiness;
    }

    /// Watches the connection's descriptors.
    fn watch(&mut self, now: Instant, io: &Io<'_>) -> Result<(), Error>;

    /// The next change of the connection, if there is one.
    fn transport(&mut self, now: Instant, io: &Io<'_>, frames: &mut Vec<Frame>) -> Option<TransportEvent>;

    /// When there is something to do even if nothing happens.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// The next message, in `frames`. Returns whether there is one.
    fn receive(&mut self, frames: &mut Vec<Frame>) -> bool;

    /// Whether there is input that no descriptor reports.
    fn has_input(&self) -> bool;

    /// Sends a message, or queues it until there is room or [`flush`](Self::flush) is called. Empties `frames`.
    fn send(&mut self, frames: &mut Vec<Frame>);

    /// Sends queued messages as far as there is room.
    fn flush(&mut self);

    /// Whether the send queue is full: nothing more may be sent.
    fn is_blocked(&self) -> bool;

    /// Whether messages wait for room.
    fn has_unsent(&self) -> bool;

    /// Whether a descriptor reports room.
    fn tells_of_room(&self) -> bool {
        false
    }

    /// Stops watching for input, so that another thread can wait for it. Returns whether it was watched.
    fn release(&mut self, io: &Io<'_>) -> bool;

    /// The released descriptor. Read until nothing is left before waiting for it.
    fn released(&self) -> Option<RawFd>;

    /// Watches for input again.
    fn take_back(&mut self, io: &Io<'_>) -> Result<(), Error>;

    /// Closes the connection, after sending what there is room for.
    fn close(self: Box<Self>, io: &Io<'_>);

    /// As [`BrokerConnection::close`]; `closing` waits for the end.
    fn close_expected(self: Box<Self>, now: Instant, closing: &mut Closing, io: &Io<'_>);
}
