//! libzmq contexts and their options; the version and capabilities of libzmq.

use std::ffi::{c_int, c_void};
use std::ptr::NonNull;

use crate::socket::last_error;

/// A libzmq context: its I/O threads and the sockets that they serve.
///
/// Unlike `zmq::Context` it takes the number of sockets, which libzmq otherwise limits to 1023, and
/// is not reference-counted:
///
/// - **Close all sockets before the context.** Dropping the context (`zmq_ctx_term`) blocks until
///   every socket is closed and has sent its queued messages, for as long as the socket's `LINGER`
///   allows. It deadlocks if the dropping thread itself owns an open socket, or, with the default
///   `LINGER` of -1, if a message is queued for a peer that never connects.
/// - Threads may share the context. A socket may move between threads, but only one thread may use
///   it at any time.
/// - libzmq's threads do not survive a `fork`. In the child, call [`forget`](Context::forget) on
///   the context and `std::mem::forget` on its sockets, and do not use either again.
#[derive(Debug)]
pub struct Context {
    raw: NonNull<c_void>,
}

// SAFETY: libzmq's contexts may be used from any thread, and from several at once.
unsafe impl Send for Context {}
// SAFETY: see above; creating sockets takes a lock inside libzmq.
unsafe impl Sync for Context {}

impl Context {
    /// Creates a context for at most `max_sockets` sockets, served by `io_threads` threads.
    ///
    /// libzmq starts the threads with the first socket. `io_threads` may be 0 for a context that
    /// uses only `inproc`.
    ///
    /// # Errors
    ///
    /// `EINVAL` for numbers that libzmq does not accept; `EMFILE` or `ENOMEM` when the system is
    /// out of descriptors or memory.
    pub fn new(max_sockets: i32, io_threads: i32) -> Result<Self, zmq::Error> {
        // SAFETY: has no precondition; this value owns the result.
        let raw = NonNull::new(unsafe { zmq_sys::zmq_ctx_new() }).ok_or_else(last_error)?;
        let context = Self { raw };
        context.set(zmq_sys::ZMQ_MAX_SOCKETS, max_sockets)?;
        context.set(zmq_sys::ZMQ_IO_THREADS, io_threads)?;
        Ok(context)
    }

    /// Opens a socket. The caller must close it before the context.
    ///
    /// # Errors
    ///
    /// `EMFILE` when the context has reached its number of sockets or the process its number of
    /// descriptors.
    pub fn socket(&self, kind: zmq::SocketType) -> Result<zmq::Socket, zmq::Error> {
        // SAFETY: the context is alive, because `self` is.
        let socket = unsafe { zmq_sys::zmq_socket(self.raw.as_ptr(), raw_kind(kind)) };
        if socket.is_null() {
            return Err(last_error());
        }
        // SAFETY: the socket was just opened and has no other owner. It is usable until it is
        // closed, since the context outlives it.
        Ok(unsafe { zmq::Socket::from_raw(socket) })
    }

    /// Abandons the context without terminating it: for the child of a `fork`, in which its threads
    /// do not exist.
    pub fn forget(self) {
        std::mem::forget(self);
    }

    fn set(&self, option: u32, value: i32) -> Result<(), zmq::Error> {
        // SAFETY: the context is alive, because `self` is.
        match unsafe { zmq_sys::zmq_ctx_set(self.raw.as_ptr(), option as c_int, value) } {
            0 => Ok(()),
            _ => Err(last_error()),
        }
    }
}

/// Blocks until all sockets are closed; see [`Context`].
impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the context is alive; after a success it is not used again, and an interrupted
        // call may be repeated.
        while unsafe { zmq_sys::zmq_ctx_term(self.raw.as_ptr()) } == -1 && last_error() == zmq::Error::EINTR {}
    }
}

/// The version of the libzmq that this program runs with: major, minor, patch.
pub fn libzmq_version() -> (i32, i32, i32) {
    zmq::version()
}

/// Whether libzmq was built with a capability, for example `"curve"` or `"ipc"` (`zmq_has`).
pub fn has(capability: &str) -> bool {
    // No capability contains NUL, and `zmq::has` panics on NUL.
    !capability.contains('\0') && zmq::has(capability).unwrap_or(false)
}

fn raw_kind(kind: zmq::SocketType) -> c_int {
    let raw = match kind {
        zmq::PAIR => zmq_sys::ZMQ_PAIR,
        zmq::PUB => zmq_sys::ZMQ_PUB,
        zmq::SUB => zmq_sys::ZMQ_SUB,
        zmq::REQ => zmq_sys::ZMQ_REQ,
        zmq::REP => zmq_sys::ZMQ_REP,
        zmq::DEALER => zmq_sys::ZMQ_DEALER,
        zmq::ROUTER => zmq_sys::ZMQ_ROUTER,
        zmq::PULL => zmq_sys::ZMQ_PULL,
        zmq::PUSH => zmq_sys::ZMQ_PUSH,
        zmq::XPUB => zmq_sys::ZMQ_XPUB,
        zmq::XSUB => zmq_sys::ZMQ_XSUB,
        zmq::STREAM => zmq_sys::ZMQ_STREAM,
    };
    raw as c_int
}
