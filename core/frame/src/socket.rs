//! Sends and receives frames without blocking.

use std::ffi::{c_int, c_void};
use std::mem::ManuallyDrop;
use std::ptr;

use crate::storage::{RawMessage, Storage};
use crate::Frame;

/// Receives frames, of one message or many. It reuses the libzmq message in which short frames
/// arrive, which saves creating and releasing one for each frame.
pub struct Receiver {
    message: RawMessage,
}

impl Default for Receiver {
    fn default() -> Self {
        Self { message: RawMessage::empty() }
    }
}

impl Receiver {
    /// Receives one frame and returns whether more frames of the same message follow. Never blocks.
    ///
    /// A message arrives as a whole: when its first frame has arrived, all have.
    ///
    /// # Errors
    ///
    /// `EAGAIN` when no frame has arrived, `ETERM` when the context is being terminated. A call
    /// interrupted by a signal (`EINTR`) is repeated.
    pub fn receive(&mut self, socket: &zmq::Socket) -> Result<(Frame, bool), zmq::Error> {
        let socket = raw(socket);
        retry(|| {
            // SAFETY: the socket is open and on its thread, as `&zmq::Socket` guarantees.
            // `zmq_msg_recv` either replaces the message or leaves it unchanged.
            unsafe { zmq_sys::zmq_msg_recv(&mut self.message.0, socket, zmq_sys::ZMQ_DONTWAIT as c_int) }
        })?;
        let more = self.message.more();
        Ok((Frame { storage: Storage::take_from(&mut self.message) }, more))
    }
}

impl Frame {
    /// Receives one frame; see [`Receiver::receive`], which is cheaper for many frames.
    ///
    /// # Errors
    ///
    /// As [`Receiver::receive`].
    pub fn recv(socket: &zmq::Socket) -> Result<(Self, bool), zmq::Error> {
        Receiver::default().receive(socket)
    }

    /// Sends this frame; `more` marks that further frames of the same message follow. Never blocks.
    /// The frame is empty afterwards.
    ///
    /// The memory of a long frame is not copied: libzmq shares it with the remaining clones and
    /// drops it on its own thread. Over `inproc` the peer receives that very memory. Receive it
    /// there as a `Frame`: a `zmq::Message` would allow its owner to write to bytes that the clones
    /// still read.
    ///
    /// # Errors
    ///
    /// The frame is left unchanged. The error is one of:
    ///
    /// - `EAGAIN`: no peer is connected, or the high-water mark is reached. Wait for `POLLOUT`
    ///   before the next attempt: libzmq then reports freed room at once, but at most once per
    ///   millisecond to a caller that only retries `send`;
    /// - `EHOSTUNREACH`: a `ROUTER` with `ROUTER_MANDATORY` does not know the peer;
    /// - `ETERM`: the context is being terminated.
    ///
    /// A call interrupted by a signal (`EINTR`) is repeated.
    ///
    /// libzmq checks the high-water mark only before the first frame of a message. `EAGAIN` for a
    /// later frame means that the connection broke in between and libzmq has dropped the earlier
    /// frames of the message. libzmq also drops the frames after this one: send those, without this
    /// one, and then send the whole message again.
    pub fn send(&mut self, socket: &zmq::Socket, more: bool) -> Result<(), zmq::Error> {
        let socket = raw(socket);
        let more = if more { zmq_sys::ZMQ_SNDMORE } else { 0 };
        let flags = (zmq_sys::ZMQ_DONTWAIT | more) as c_int;
        if let Storage::Inline { len, bytes } = &mut self.storage {
            // SAFETY: the socket is open and on its thread, as `&zmq::Socket` guarantees. The bytes
            // are ours, and libzmq copies them before it returns.
            retry(|| unsafe { zmq_sys::zmq_send(socket, bytes.as_ptr().cast(), usize::from(*len), flags) })?;
            *len = 0;
            return Ok(());
        }
        let mut message = std::mem::take(&mut self.storage).into_message();
        let sent = retry(|| {
            // SAFETY: the socket as above. `zmq_msg_send` leaves an empty message behind, or on
            // failure the message unchanged.
            unsafe { zmq_sys::zmq_msg_send(&mut message.0, socket, flags) }
        });
        sent.inspect_err(|_| self.storage = Storage::take_from(&mut message))
    }
}

/// Stops monitoring a socket; has no effect if the socket has no monitor.
///
/// **Call it before you close the socket or the receiving end of the monitor.** libzmq keeps a
/// closed socket until it has sent the queued messages, and reports events meanwhile. Without a
/// receiver such a report blocks forever, and with it libzmq's I/O thread and every connection of
/// the context.
pub fn stop_monitor(socket: &zmq::Socket) {
    // SAFETY: the socket is open and on its thread, as `&zmq::Socket` guarantees; a null address
    // stops the monitor.
    unsafe { zmq_sys::zmq_socket_monitor(raw(socket), ptr::null(), 0) };
}

/// Repeats a libzmq call while signals interrupt it.
fn retry(mut call: impl FnMut() -> c_int) -> Result<(), zmq::Error> {
    loop {
        if call() != -1 {
            return Ok(());
        }
        match last_error() {
            zmq::Error::EINTR => {}
            error => return Err(error),
        }
    }
}

/// The error of the previous libzmq call on this thread.
pub(crate) fn last_error() -> zmq::Error {
    // SAFETY: reads `errno`.
    zmq::Error::from_raw(unsafe { zmq_sys::zmq_errno() })
}

/// The raw socket pointer.
///
/// `Socket::as_mut_ptr` only reads the pointer but requires `&mut`, which a caller that polls
/// several sockets at once does not have.
fn raw(socket: &zmq::Socket) -> *mut c_void {
    // SAFETY: a bitwise copy of a valid socket that only returns its pointer and, as
    // `ManuallyDrop`, is never closed; it ends before the original can be used again.
    let mut alias = ManuallyDrop::new(unsafe { ptr::read(socket) });
    alias.as_mut_ptr()
}
