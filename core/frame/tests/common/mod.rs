//! Connected pairs of sockets for the tests.

#![allow(dead_code)]

use std::time::{Duration, Instant};

use pigato_frame::{Context, Frame};
use zmq::{Socket, SocketType};

pub(crate) fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i * 31 % 251) as u8).collect()
}

/// A socket that drops its unsent messages when it is closed.
pub(crate) fn open(context: &Context, kind: SocketType) -> Socket {
    let socket = context.socket(kind).unwrap();
    socket.set_linger(0).unwrap();
    socket
}

/// Two sockets, the first bound and the second connected.
pub(crate) fn pair(context: &Context, endpoint: &str, kinds: (SocketType, SocketType)) -> (Socket, Socket) {
    let (bound, connected) = (open(context, kinds.0), open(context, kinds.1));
    bound.bind(endpoint).unwrap();
    connected.connect(&bound.get_last_endpoint().unwrap().unwrap()).unwrap();
    (bound, connected)
}

/// Receives a frame that is under way.
pub(crate) fn arrive(socket: &Socket) -> (Frame, bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match Frame::recv(socket) {
            Err(zmq::Error::EAGAIN) if Instant::now() < deadline => {
                socket.poll(zmq::POLLIN, 10).unwrap();
            }
            outcome => return outcome.expect("a frame arrives"),
        }
    }
}

/// Sends a frame as soon as the connection is established.
pub(crate) fn dispatch(frame: Frame, socket: &Socket, more: bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut pending = frame;
    while let Err(error) = pending.send(socket, more) {
        assert_eq!(error, zmq::Error::EAGAIN);
        assert!(Instant::now() < deadline, "the frame could not be sent");
        socket.poll(zmq::POLLOUT, 10).unwrap();
    }
}
