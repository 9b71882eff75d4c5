//! Frames in and out of sockets, without blocking.

use std::ffi::{c_int, c_void};
use std::mem::ManuallyDrop;
use std::ptr;

use crate::storage::{RawMessage, Storage};
use crate::Frame;

/// Receives frames one after the other. For the frames of a message, or many messages: it keeps the libzmq message that
/// short frames arrive in, so that these cost neither a new one nor its release.
pub struct Receiver {
    message: RawMessage,
}

impl Default for Receiver {
    fn default() -> Self {
        Self { message: RawMessage::empty() }
    }
}

impl Receiver {
    /// Receives one frame, and whether more frames of the same message follow. Never blocks.
    ///
    /// A message arrives as a whole: when its first frame is there, so are the others.
    ///
    /// # Errors
    ///
    /// `EAGAIN` when nothing has arrived, `ETERM` when the context is being terminated. Interrupted calls (`EINTR`) are
    /// repeated and not reported.
    pub fn receive(&mut self, socket: &zmq::Socket) -> Result<(Frame, bool), zmq::Error> {
        let socket = raw(socket);
        retry(|| {
            // SAFETY: the socket is open and on its thread, as `&zmq::Socket` guarantees. `zmq_msg_recv` either
            // replaces the message by another one or leaves it as it was.
            unsafe { zmq_sys::zmq_msg_recv(&mut self.message.0, socket, zmq_sys::ZMQ_DONTWAIT as c_int) }
        })?;
        let more = self.message.more();
        Ok((Frame { storage: Storage::take_from(&mut self.message) }, more))
    }
}

impl Frame {
    /// Receives one frame; see [`Receiver::receive`], which costs less for many.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn recv(socket: &zmq::Socket) -> Result<(Self, bool), zmq::Error> {
        Receiver::default().receive(socket)
    }

    /// Sends this frame; `more` says that further frames of the same message follow. Never blocks. The frame is empty
    /// afterwards.
    ///
    /// The memory of a long frame is not copied but handed to libzmq, which shares it with the remaining clones
    /// and drops it on its own thread. Over `inproc` that very memory arrives at the other end, so receive it there
    /// as a `Frame`: a `zmq::Message` would let its owner write to what the clones still read.
    ///
    /// # Errors
    ///
    /// The frame is left as it was, and the error tells the reason:
    ///
    /// - `EAGAIN`: nobody to send to, or the high-water mark is reached. Wait for `POLLOUT` before trying again: libzmq
    ///   notices room that came free at once when asked for that, but once a millisecond at most when only sent to;
    /// - `EHOSTUNREACH`: a `ROUTER` with `ROUTER_MANDATORY` does not know the peer;
    /// - `ETERM`: the context is being terminated.
    ///
    /// Interrupted calls (`EINTR`) are repeated and not reported.
    ///
    /// The high-water mark is looked at before the first frame of a message only. `EAGAIN` for a later frame means
    /// that the connection broke in between, and libzmq has thrown away what it had of the message. It will do the
    /// same with the frames after this one: send those, without this one, and then the message from its beginning.
    pub fn send(&mut self, socket: &zmq::Socket, more: bool) -> Result<(), zmq::Error> {
        let socket = raw(socket);
        let more = if more { zmq_sys::ZMQ_SNDMORE } else { 0 };
        let flags = (zmq_sys::ZMQ_DONTWAIT | more) as c_int;
        if let Storage::Inline { len, bytes } = &mut self.storage {
            // SAFETY: the socket is open and on its thread, as `&zmq::Socket` guarantees. The bytes are ours, and libzmq
            // copies them before it returns.
            retry(|| unsafe { zmq_sys::zmq_send(socket, bytes.as_ptr().cast(), usize::from(*len), flags) })?;
            *len = 0;
            return Ok(());
        }
        let mut message = std::mem::take(&mut self.storage).into_message();
        let sent = retry(|| {
            // SAFETY: the socket as above. `zmq_msg_send` leaves an empty message behind, or on failure the bytes
            // untouched.
            unsafe { zmq_sys::zmq_msg_send(&mut message.0, socket, flags) }
        });
        sent.inspect_err(|_| self.storage = Storage::take_from(&mut message))
    }
}

/// Ends the monitoring of a socket; harmless if there is none.
///
/// **Call it before the other end of the monitor or the socket itself is closed.** A socket that was closed lives on in
/// libzmq until what it was given is sent, and reports events meanwhile. Without a receiver such a report waits for
/// ever, and with it libzmq's I/O thread and every connection of the context.
pub fn stop_monitor(socket: &zmq::Socket) {
    // SAFETY: the socket is open and on its thread, as `&zmq::Socket` guarantees; no address means to end it.
    unsafe { zmq_sys::zmq_socket_monitor(raw(socket), ptr::null(), 0) };
}

/// Repeats a call of libzmq until no signal interrupts it.
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

/// Why the previous call of libzmq on this thread failed.
pub(crate) fn last_error() -> zmq::Error {
    // SAFETY: reads `errno`.
    zmq::Error::from_raw(unsafe { zmq_sys::zmq_errno() })
}

/// The socket as libzmq knows it.
///
/// `Socket::as_mut_ptr` wants `&mut`, which those who poll several sockets in one call do not have, although it only
/// reads the pointer.
fn raw(socket: &zmq::Socket) -> *mut c_void {
    // SAFETY: a bitwise copy of a valid socket that is asked for its pointer and, being `ManuallyDrop`, never closed;
    // it is gone before the original can be used again.
    let mut alias = ManuallyDrop::new(unsafe { ptr::read(socket) });
    alias.as_mut_ptr()
}
