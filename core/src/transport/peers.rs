//! The accepting side of a broker: its peers over TCP and over libzmq.

use std::time::Instant;

use pigato_frame::{Context, Frame};

use super::address::check_bindable;
use super::delivery::Delivery;
use super::tcp::{ListenAddress, Listener};
use super::zmq::{Closing, Router};
use crate::error::Error;
use crate::protocol::PeerId;
use crate::reactor::{Io, Readiness};

const ROUTER_SLOT: usize = 0;
/// The first of the slots that TCP uses; the two before it are [`Peers::OWNER_SLOT`] and
/// [`Peers::CLOSING_SLOT`].
const LISTENER_SLOT: usize = 3;

/// Everything that a broker's clients and workers connect to.
pub(crate) struct Peers {
    /// `None` without TCP endpoints, and once it is closed.
    listener: Option<Listener>,
    /// `None` without endpoints that libzmq serves, and once it is closed.
    router: Option<Router>,
    /// Peers whose send queue overflowed while the machine's outputs were carried out. Further outputs for them are dropped
    /// like what was queued: a worker must not receive a request without the cancellation that belongs before it.
    overflowed: Vec<PeerId>,
}

impl Peers {
    /// The slot of the monitors that report the end of sockets.
    pub(crate) const CLOSING_SLOT: usize = 1;
    /// The slot for a descriptor of the owner's.
    pub(crate) const OWNER_SLOT: usize = 2;

    /// Listens at all of `endpoints` and replaces each by the endpoint with its real port. If one fails, none is left.
    pub(crate) fn listen(context: &Context, endpoints: &mut [String]) -> Result<Self, Error> {
        endpoints.iter().try_for_each(|endpoint| check_bindable(endpoint))?;
        let others: Vec<_> = endpoints.iter_mut().filter(|endpoint| ListenAddress::parse(endpoint).is_none()).collect();
        let router = if others.is_empty() { None } else { Some(Router::bind(context, others)?) };
        let listener = Listener::listen(endpoints, LISTENER_SLOT)?;
        Ok(Self { listener, router, overflowed: Vec::new() })
    }

    /// Watches all listening descriptors. Returns whether that worked.
    pub(crate) fn watch(&mut self, io: &Io<'_>) -> bool {
        self.router.as_ref().is_none_or(|router| router.watch(io, ROUTER_SLOT))
            && self.listener.as_mut().is_none_or(|listener| listener.watch(io))
    }

    /// Notes which descriptor is ready.
    pub(crate) fn ready(&mut self, slot: usize, readiness: Readiness) {
        if let Some(listener) = &mut self.listener {
            listener.ready(slot, readiness);
        }
    }

    /// The TCP side.
    pub(crate) fn listener(&mut self) -> Option<&mut Listener> {
        self.listener.as_mut()
    }

    /// The next message over libzmq, in `frames`, and its sender. A TCP connection of the same peer is its former one.
    pub(crate) fn receive_from_router(&mut self, io: &Io<'_>, frames: &mut Vec<Frame>) -> Option<PeerId> {
        let peer = self.router.as_ref()?.receive(frames)?;
        if let Some(listener) = &mut self.listener {
            listener.give_up(io, &peer);
        }
        Some(peer)
    }

    /// Sends a message that `encode` appends to its argument. `frames` is scratch memory.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        io: &Io<'_>,
        peer: &PeerId,
        frames: &mut Vec<Frame>,
        encode: impl FnOnce(&mut Vec<Frame>),
    ) -> Delivery {
        frames.clear();
        let tcp = self.listener.as_mut().and_then(|listener| listener.find(peer).map(|key| (listener, key)));
        let delivery = if let Some((listener, key)) = tcp {
            encode(frames);
            listener.send(io, key, frames)
        } else if let Some(router) = &mut self.router {
            frames.push(peer.to_frame());
            encode(frames);
            router.send(now, peer, frames)
        } else {
            Delivery::NoPeer
        };
        if let Delivery::Overflow = delivery {
            self.overflowed.push(peer.clone());
        }
        delivery
    }

    /// Whether the peer's send queue overflowed since the last [`Peers::forget_overflows`].
    pub(crate) fn has_overflowed(&self, peer: &PeerId) -> bool {
        self.overflowed.contains(peer)
    }

    pub(crate) fn forget_overflows(&mut self) {
        self.overflowed.clear();
    }

    /// Sends what libzmq has room for now. Returns the peers that are gone.
    pub(crate) fn retry(&mut self, now: Instant) -> Vec<PeerId> {
        self.router.as_mut().map_or_else(Vec::new, |router| router.retry(now))
    }

    /// Writes the queued messages to the TCP connections.
    pub(crate) fn flush(&mut self) {
        if let Some(listener) = &mut self.listener {
            listener.flush();
        }
    }

    /// When there is something to do even if nothing happens. `is_reading`: whether messages are read at present.
    pub(crate) fn deadline(&self, is_reading: bool) -> Option<Instant> {
        let listener = self.listener.as_ref().and_then(|listener| listener.deadline(is_reading));
        let router = self.router.as_ref().and_then(Router::retry_at);
        [listener, router].into_iter().flatten().min()
    }

    /// Stops listening and closes libzmq's socket, whose end `closing` waits for. TCP connections stay until what waits for
    /// them is written.
    pub(crate) fn stop_listening(&mut self, now: Instant, context: &Context, closing: &mut Closing, io: &Io<'_>) {
        if let Some(listener) = &mut self.listener {
            listener.end_listening(io);
        }
        if let Some(router) = self.router.take() {
            router.close(now, context, closing, io, Self::CLOSING_SLOT);
        }
    }

    /// Whether all is written to the TCP connections. Drops what peers send meanwhile.
    pub(crate) fn has_written_all(&mut self) -> bool {
        self.listener.as_mut().is_none_or(Listener::has_written_all)
    }

    /// Closes everything at once, after writing what there is room for.
    pub(crate) fn close(&mut self, io: &Io<'_>) {
        if let Some(router) = self.router.take() {
            router.abort(io);
        }
        if let Some(mut listener) = self.listener.take() {
            listener.flush();
            listener.unwatch(io);
        }
    }
}
