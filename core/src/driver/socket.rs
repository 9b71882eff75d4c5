//! What all sockets have in common: options, and multipart messages in and out.

use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use pigato_frame::{Frame, Receiver};

use crate::config::ceil_millis;
use crate::error::{Error, ErrorCode};
use crate::limits;
use crate::protocol::PeerId;

/// How long a closing socket may take to send what it was given. Infinite, libzmq's default, hangs for ever when the peer is
/// gone; zero loses the farewell.
pub(super) const LINGER: Duration = Duration::from_secs(1);

/// How the system finds out that a peer's machine is gone: after so long without a sign of life it asks, so often.
pub(super) const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
pub(super) const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
pub(super) const KEEPALIVE_PROBES: u32 = 3;

/// How often a message that found no room is tried again. ROUTER does not tell when a peer has room.
pub(super) const OUTBOX_RETRY: Duration = Duration::from_millis(1);

/// Batches of messages that are read before a deadline that has passed is acted upon: enough for what piles up while a
/// process is stopped for a while, and not without end under a flood.
pub(super) const OVERDUE_BATCHES: usize = 64;

/// Sets what every socket needs.
pub(super) fn configure(socket: &zmq::Socket) -> Result<(), Error> {
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

pub(super) fn system_error(error: zmq::Error) -> Error {
    Error::new(ErrorCode::System, error.message())
}

/// An endpoint that libzmq or the system does not take, with the reason and what to do.
pub(super) fn endpoint_error(endpoint: &str, error: zmq::Error) -> Error {
    let hint = match error {
        zmq::Error::EADDRINUSE => "another program listens there; choose another port, or `tcp://127.0.0.1:*`",
        zmq::Error::EINVAL | zmq::Error::EPROTONOSUPPORT => "write tcp://HOST:PORT, ipc://PATH or inproc://NAME",
        zmq::Error::ENODEV | zmq::Error::EADDRNOTAVAIL => "this machine has no such address",
        _ => "",
    };
    let separator = if hint.is_empty() { "" } else { "; " };
    Error::new(ErrorCode::Endpoint, format!("`{endpoint}`: {}{separator}{hint}", error.message()))
}

/// As libzmq knows it.
pub(super) fn os_error(error: &std::io::Error) -> zmq::Error {
    error.raw_os_error().map_or(zmq::Error::EINVAL, zmq::Error::from_raw)
}

/// Connects, to an address with a real port.
pub(super) fn connect(socket: &zmq::Socket, endpoint: &str) -> Result<(), Error> {
    check_connectable(endpoint)?;
    socket.connect(endpoint).map_err(|error| endpoint_error(endpoint, error))
}

/// Binds and returns the endpoint with its real port.
pub(super) fn bind(socket: &zmq::Socket, endpoint: &str) -> Result<String, Error> {
    check_bindable(endpoint)?;
    socket.bind(endpoint).map_err(|error| endpoint_error(endpoint, error))?;
    let bound = socket.get_last_endpoint().map_err(system_error)?;
    Ok(bound.unwrap_or_else(|_| endpoint.to_owned()))
}

/// Refuses what cannot be bound, whoever binds it.
pub(super) fn check_bindable(endpoint: &str) -> Result<(), Error> {
    check_text(endpoint)?;
    if endpoint.ends_with('*') {
        return Ok(());
    }
    check_port(endpoint, |_| true)
}

/// Refuses what cannot be connected to, whoever connects.
pub(super) fn check_connectable(endpoint: &str) -> Result<(), Error> {
    check_text(endpoint)?;
    check_port(endpoint, |port| port > 0)
}

/// Refuses what cannot be handed to libzmq at all.
fn check_text(endpoint: &str) -> Result<(), Error> {
    if endpoint.contains('\0') {
        return Err(endpoint_error(&endpoint.replace('\0', "\\0"), zmq::Error::EINVAL));
    }
    Ok(())
}

/// Refuses what libzmq cuts off at 16 bits, or notices only when nobody is told any more.
fn check_port(endpoint: &str, accepts: impl Fn(u16) -> bool) -> Result<(), Error> {
    let port = endpoint.strip_prefix("tcp://").and_then(|address| address.rsplit_once(':')).map(|(_, port)| port);
    match port {
        Some(port) if !port.parse().is_ok_and(accepts) => Err(endpoint_error(endpoint, zmq::Error::EINVAL)),
        _ => Ok(()),
    }
}

/// Waits until one of two descriptors is readable or `deadline` has passed, and returns which are. Neither need be, after a
/// signal: the caller looks again.
pub(super) fn poll_either(descriptors: [RawFd; 2], deadline: Option<Instant>) -> [bool; 2] {
    let mut items = descriptors.map(|descriptor| zmq::PollItem::from_fd(descriptor, zmq::POLLIN));
    let millis = deadline.map_or(-1, |deadline| ceil_millis(deadline.saturating_duration_since(Instant::now())));
    // Interrupted, or one of them was closed meanwhile.
    let _ = zmq::poll(&mut items, millis.min(i64::from(i32::MAX)));
    items.map(|item| item.is_readable())
}

/// What became of a message that was to be sent.
#[derive(Debug)]
pub(super) enum Sent {
    /// It is on its way.
    Yes,
    /// There is no room; the frames are back.
    Full,
    /// There is no such peer; the frames are gone.
    NoPeer,
}

/// Sends a message as a whole or not at all. Empties `frames` unless there is no room.
pub(super) fn send(socket: &zmq::Socket, frames: &mut Vec<Frame>) -> Sent {
    let Some((first, rest)) = frames.split_first_mut() else { return Sent::Yes };
    let sent = match first.send(socket, !rest.is_empty()) {
        // While sending, libzmq looks for freed room once a millisecond at most; asked for its events, at once.
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

/// The first frame decides. A later one fails only when the connection breaks meanwhile; libzmq then wants to be given
/// the others all the same, and throws them away.
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

/// Receives a message into `frames`, without waiting; returns whether there was one. Frames beyond the limit of a
/// message are dropped, all but one, which tells the decoder that there were too many.
pub(super) fn receive(socket: &zmq::Socket, frames: &mut Vec<Frame>) -> bool {
    receive_rest(&mut Receiver::default(), socket, frames)
}

/// As [`receive`], for a ROUTER: returns the identity of the peer that sent the message.
pub(super) fn receive_from(socket: &zmq::Socket, frames: &mut Vec<Frame>) -> Option<PeerId> {
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
                // What a broker may add to a peer's longest message, and one too many.
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

/// Which event a monitor's message tells of.
pub(super) fn event(frames: &[Frame]) -> Option<u16> {
    Some(u16::from_ne_bytes(frames.first()?.get(..2)?.try_into().ok()?))
}
