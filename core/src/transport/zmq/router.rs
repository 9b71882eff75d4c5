//! A ROUTER socket with send queues: the accepting side of the endpoints that libzmq serves.

use std::time::Instant;

use pigato_frame::{Context, Frame};

use super::closing::Closing;
use super::send_queue::SendQueues;
use super::socket::{bind, configure, receive_from};
use super::unwatch;
use crate::error::Error;
use crate::limits;
use crate::protocol::PeerId;
use crate::reactor::Io;
use crate::transport::delivery::Delivery;
use crate::transport::error::system_error;

/// A bound ROUTER socket, and the messages that its peers have no room for.
pub(crate) struct Router {
    socket: zmq::Socket,
    send_queues: SendQueues,
}

impl Router {
    /// Binds all of `endpoints` and replaces each by the endpoint with its real port.
    pub(crate) fn bind(context: &Context, endpoints: Vec<&mut String>) -> Result<Self, Error> {
        let socket = context.socket(zmq::ROUTER).map_err(system_error)?;
        configure(&socket)?;
        let set = || {
            socket.set_router_mandatory(true)?;
            socket.set_router_handover(true)?;
            socket.set_sndhwm(limits::SOCKET_MESSAGES)?;
            socket.set_rcvhwm(limits::SOCKET_MESSAGES)
        };
        set().map_err(system_error)?;
        for endpoint in endpoints {
            *endpoint = bind(&socket, endpoint)?;
        }
        Ok(Self { socket, send_queues: SendQueues::default() })
    }

    /// Watches the socket. Returns whether that worked.
    pub(crate) fn watch(&self, io: &Io<'_>, slot: usize) -> bool {
        self.socket.get_fd().is_ok_and(|descriptor| io.watch(descriptor, slot).is_ok())
    }

    /// The next message, in `frames`, and its sender.
    pub(crate) fn receive(&self, frames: &mut Vec<Frame>) -> Option<PeerId> {
        receive_from(&self.socket, frames)
    }

    /// Sends a message, whose first frame is the peer's identity, behind what already waits for the peer.
    pub(crate) fn send(&mut self, now: Instant, peer: &PeerId, frames: &mut Vec<Frame>) -> Delivery {
        self.send_queues.send(now, &self.socket, peer, frames)
    }

    /// Sends the queued messages that have room now, if a retry is due. Returns the peers that are gone.
    pub(crate) fn retry(&mut self, now: Instant) -> Vec<PeerId> {
        self.send_queues.retry(now, &self.socket)
    }

    pub(crate) fn retry_at(&self) -> Option<Instant> {
        self.send_queues.retry_at()
    }

    /// Closes the socket; `closing` waits for its end.
    pub(crate) fn close(self, now: Instant, context: &Context, closing: &mut Closing, io: &Io<'_>, slot: usize) {
        unwatch(&self.socket, io);
        closing.expect_end_of(now, context, &self.socket, io, slot);
    }

    /// Closes the socket without waiting.
    pub(crate) fn abort(self, io: &Io<'_>) {
        unwatch(&self.socket, io);
    }
}
