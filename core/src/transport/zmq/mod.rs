//! Sockets of libzmq: for endpoints that only libzmq serves.

mod closing;
mod dealer;
mod publisher;
mod router;
mod send_queue;
mod socket;

pub(crate) use closing::Closing;
pub(crate) use dealer::Dealer;
pub(crate) use publisher::{Publisher, Subscription};
pub(crate) use router::Router;

use crate::reactor::Io;

/// Stops watching a socket's descriptor.
fn unwatch(socket: &::zmq::Socket, io: &Io<'_>) {
    if let Ok(descriptor) = socket.get_fd() {
        io.unwatch(descriptor);
    }
}
