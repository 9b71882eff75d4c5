//! The connection of a client or worker to its broker, independent of the transport.

use std::os::fd::RawFd;
use std::time::Instant;

use pigato_frame::Frame;

use super::zmq::Closing;
use crate::error::Error;
use crate::reactor::{Io, Readiness};

/// What the transport says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransportEvent {
    Up,
    Down,
}

/// One connection of a client or worker.
pub(crate) trait BrokerConnection: Send {
    /// Whether the transport counts as up as soon as the connection is opened.
    fn is_up_at_once(&self) -> bool {
        false
    }

    /// Notes that its descriptor is ready.
    fn ready(&mut self, readiness: Readiness) {
        let _ = readiness;
    }

    /// Has the endpoint processed when something happens here.
    fn watch(&mut self, now: Instant, io: &Io<'_>) -> Result<(), Error>;

    /// The next thing that the transport says, if there is one.
    fn transport(&mut self, now: Instant, io: &Io<'_>, frames: &mut Vec<Frame>) -> Option<TransportEvent>;

    /// When there is something to do even if nothing happens.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// The next message, in `frames`. Returns whether there is one.
    fn receive(&mut self, frames: &mut Vec<Frame>) -> bool;

    /// Whether there is something to receive, or to find out, that no descriptor tells of.
    fn has_input(&self) -> bool;

    /// Sends a message, or keeps it until there is room or [`flush`](Self::flush) is called. Empties `frames`.
    fn send(&mut self, frames: &mut Vec<Frame>);

    /// Sends what waits, as far as there is room.
    fn flush(&mut self);

    /// Whether so much waits for room that nothing more is to be sent.
    fn is_blocked(&self) -> bool;

    /// Whether anything waits for room.
    fn has_unsent(&self) -> bool;

    /// Whether the endpoint is processed when there is room again.
    fn tells_of_room(&self) -> bool {
        false
    }

    /// Ends the watch for what arrives, so that another thread can wait for it. Returns whether there was one.
    fn release(&mut self, io: &Io<'_>) -> bool;

    /// The descriptor that was released, to be read until nothing is left before it is waited for.
    fn released(&self) -> Option<RawFd>;

    /// Watches again for what arrives.
    fn take_back(&mut self, io: &Io<'_>) -> Result<(), Error>;

    /// Closes the connection. What there is room for still leaves.
    fn close(self: Box<Self>, io: &Io<'_>);

    /// As [`BrokerConnection::close`], with the end to be waited for.
    fn close_expected(self: Box<Self>, now: Instant, closing: &mut Closing, io: &Io<'_>);
}
