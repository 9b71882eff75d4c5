//! Publications of a broker's directory: an XPUB socket at the broker, SUB sockets at core services.

use std::time::Instant;

use pigato_frame::{Context, Frame};

use super::closing::Closing;
use super::socket::{bind, configure, connect, receive};
use super::unwatch;
use crate::error::Error;
use crate::reactor::Io;
use crate::transport::error::system_error;

/// The publishing side of the option `intch`.
pub(crate) struct Publisher(zmq::Socket);

impl Publisher {
    /// Binds `endpoint`. Returns the endpoint with its real port, too.
    pub(crate) fn bind(context: &Context, endpoint: &str) -> Result<(Self, String), Error> {
        let socket = context.socket(zmq::XPUB).map_err(system_error)?;
        configure(&socket)?;
        socket.set_xpub_verbose(true).map_err(system_error)?;
        let bound = bind(&socket, endpoint)?;
        Ok((Self(socket), bound))
    }

    /// Watches the socket. Returns whether that worked.
    pub(crate) fn watch(&self, io: &Io<'_>, slot: usize) -> bool {
        self.0.get_fd().is_ok_and(|descriptor| io.watch(descriptor, slot).is_ok())
    }

    /// Publishes to all subscribers. Each publication is the whole directory: the next one makes up for one without room.
    pub(crate) fn publish(&self, mut frame: Frame) {
        let _ = frame.send(&self.0, false);
    }

    /// The next message of a subscriber: whether it subscribes. `None` if there is no message.
    pub(crate) fn receive(&self, frames: &mut Vec<Frame>) -> Option<bool> {
        receive(&self.0, frames).then(|| frames.first().is_some_and(|frame| frame.first() == Some(&1)))
    }

    /// Closes the socket; `closing` waits for its end.
    pub(crate) fn close(self, now: Instant, context: &Context, closing: &mut Closing, io: &Io<'_>, slot: usize) {
        unwatch(&self.0, io);
        closing.expect_end_of(now, context, &self.0, io, slot);
    }

    /// Closes the socket without waiting.
    pub(crate) fn abort(self, io: &Io<'_>) {
        unwatch(&self.0, io);
    }
}

/// The subscribing side of `intch`.
pub(crate) struct Subscription {
    socket: zmq::Socket,
    is_watched: bool,
}

impl Subscription {
    /// Subscribes to the publications at `endpoint` that begin with `topic`.
    pub(crate) fn connect(context: &Context, endpoint: &str, topic: &str) -> Result<Self, Error> {
        let socket = context.socket(zmq::SUB).map_err(system_error)?;
        configure(&socket)?;
        socket.set_subscribe(topic.as_bytes()).map_err(system_error)?;
        connect(&socket, endpoint)?;
        Ok(Self { socket, is_watched: false })
    }

    /// Watches the socket, once. Returns whether it is watched.
    pub(crate) fn watch(&mut self, io: &Io<'_>) -> bool {
        if !self.is_watched {
            self.is_watched = self.socket.get_fd().is_ok_and(|descriptor| io.watch(descriptor, 0).is_ok());
        }
        self.is_watched
    }

    pub(crate) fn unwatch(&self, io: &Io<'_>) {
        unwatch(&self.socket, io);
    }

    /// The next publication, in `frames`. Returns whether there is one.
    pub(crate) fn receive(&self, frames: &mut Vec<Frame>) -> bool {
        receive(&self.socket, frames)
    }
}
