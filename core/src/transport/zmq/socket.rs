//! Socket options, and sending and receiving multipart messages.

use pigato_frame::{Frame, Receiver};

use crate::error::Error;
use crate::limits;
use crate::protocol::PeerId;
use crate::transport::address::{check_bindable, check_connectable};
use crate::transport::error::{endpoint_error, system_error};
use crate::transport::settings::{KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_PROBES, LINGER};

/// Sets the options of every socket.
pub(crate) fn configure(socket: &zmq::Socket) -> Result<(), Error> {
    let set = || {
        socket.set_linger(LINGER.as_millis() as i32)?;
        socket.set_maxmsgsize(limits::FRAME_BYTES as i64)?;
        socket.set_ipv6(true)?;
        socket.set_tcp_keepalive(1)?;
        socket.set_tcp_keepalive_idle(KEEPALIVE_IDLE.as_secs() as i32)?;
        socket.set_tcp_keepalive_intvl(KEEPALIVE_INTERVAL.as_secs() as i32)?;
        socket.set_tcp_keepalive_cnt(KEEPALIVE_PROBES as i32)
    };
    set().map_err(system_error)
}

/// Connects to an endpoint, whose port must not be 0.
pub(crate) fn connect(socket: &zmq::Socket, endpoint: &str) -> Result<(), Error> {
    check_connectable(endpoint)?;
    socket.connect(endpoint).map_err(|error| endpoint_error(endpoint, error))
}

/// Binds and returns the endpoint with its real port.
pub(crate) fn bind(socket: &zmq::Socket, endpoint: &str) -> Result<String, Error> {
    check_bindable(endpoint)?;
    socket.bind(endpoint).map_err(|error| endpoint_error(endpoint, error))?;
    let bound = socket.get_last_endpoint().map_err(system_error)?;
    Ok(bound.unwrap_or_else(|_| endpoint.to_owned()))
}

/// The outcome of sending a message.
#[derive(Debug)]
pub(crate) enum Sent {
    /// libzmq has accepted the message.
    Yes,
    /// There is no room; `frames` still has the message.
    Full,
    /// The peer is not connected; the frames are dropped.
    NoPeer,
}

/// Sends a message as a whole or not at all. Empties `frames` unless there is no room.
pub(crate) fn send(socket: &zmq::Socket, frames: &mut Vec<Frame>) -> Sent {
    let Some((first, rest)) = frames.split_first_mut() else { return Sent::Yes };
    let sent = match first.send(socket, !rest.is_empty()) {
        // While sending, libzmq checks for freed room at most once per millisecond. Querying its events checks at once.
        Err(zmq::Error::EAGAIN) if socket.get_events().is_ok() => first.send(socket, !rest.is_empty()),
        sent => sent,
    };
    let sent = match sent {
        Err(zmq::Error::EAGAIN) => return Sent::Full,
        Err(_) => Sent::NoPeer,
        Ok(()) => send_rest(socket, rest),
    };
    frames.clear();
    sent
}

/// Sends the frames after the first, which decides whether there is room. A later one fails only when the connection breaks meanwhile;
/// libzmq still expects the others then, and drops them.
fn send_rest(socket: &zmq::Socket, frames: &mut [Frame]) -> Sent {
    let last = frames.len().saturating_sub(1);
    let mut sent = Sent::Yes;
    for (position, frame) in frames.iter_mut().enumerate() {
        if frame.send(socket, position < last).is_err() {
            sent = Sent::NoPeer;
        }
    }
    sent
}

/// Receives a message into `frames` without waiting. Returns whether there was one. Frames beyond the bound of a message are dropped,
/// except one, by which the decoder sees that there were too many.
pub(crate) fn receive(socket: &zmq::Socket, frames: &mut Vec<Frame>) -> bool {
    receive_rest(&mut Receiver::default(), socket, frames)
}

/// As [`receive`], for a ROUTER: returns the identity of the peer that sent the message.
pub(crate) fn receive_from(socket: &zmq::Socket, frames: &mut Vec<Frame>) -> Option<PeerId> {
    let mut receiver = Receiver::default();
    let (identity, more) = receiver.receive(socket).ok()?;
    frames.clear();
    (!more || receive_rest(&mut receiver, socket, frames)).then(|| PeerId::new(identity))
}

fn receive_rest(receiver: &mut Receiver, socket: &zmq::Socket, frames: &mut Vec<Frame>) -> bool {
    frames.clear();
    loop {
        match receiver.receive(socket) {
            Ok((frame, more)) => {
                // The bound of a peer's message, 3 frames that a broker may add, and one too many.
                if frames.len() < limits::MESSAGE_FRAMES + 4 {
                    frames.push(frame);
                }
                if !more {
                    return true;
                }
            }
            Err(_) => return false,
        }
    }
}

/// The event of a monitor's message.
pub(crate) fn event(frames: &[Frame]) -> Option<u16> {
    Some(u16::from_ne_bytes(frames.first()?.get(..2)?.try_into().ok()?))
}
