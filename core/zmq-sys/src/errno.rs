//! The error numbers that libzmq sets: the system's, its own, and its substitutes for numbers that
//! a system lacks.

use crate::ffi::ZMQ_HAUSNUMERO;

pub use libc::{
    EACCES, EADDRINUSE, EADDRNOTAVAIL, EAGAIN, EBUSY, ECONNREFUSED, EFAULT, EHOSTUNREACH, EINPROGRESS, EINTR, EINVAL,
    EMFILE, EMSGSIZE, ENAMETOOLONG, ENETDOWN, ENOBUFS, ENODEV, ENOENT, ENOMEM, ENOTCONN, ENOTSOCK, ENOTSUP, EPROTO,
    EPROTONOSUPPORT,
};

/// libzmq's numbers are this base and a small offset, as `zmq.h` defines them.
macro_rules! offsets {
    ($($(#[$doc:meta])* $name:ident = $offset:literal;)*) => {
        $($(#[$doc])* pub const $name: i32 = ZMQ_HAUSNUMERO as i32 + $offset;)*
    };
}

offsets! {
    /// The operation is not possible in the socket's current state.
    EFSM = 51;
    /// The protocol is not compatible with the type of the socket.
    ENOCOMPATPROTO = 52;
    /// The context was terminated.
    ETERM = 53;
    /// No thread is available for the task.
    EMTHREAD = 54;
}

offsets! {
    /// Stands for `ENOTSUP`.
    ENOTSUP_ALT = 1;
    /// Stands for `EPROTONOSUPPORT`.
    EPROTONOSUPPORT_ALT = 2;
    /// Stands for `ENOBUFS`.
    ENOBUFS_ALT = 3;
    /// Stands for `ENETDOWN`.
    ENETDOWN_ALT = 4;
    /// Stands for `EADDRINUSE`.
    EADDRINUSE_ALT = 5;
    /// Stands for `EADDRNOTAVAIL`.
    EADDRNOTAVAIL_ALT = 6;
    /// Stands for `ECONNREFUSED`.
    ECONNREFUSED_ALT = 7;
    /// Stands for `EINPROGRESS`.
    EINPROGRESS_ALT = 8;
    /// Stands for `ENOTSOCK`.
    ENOTSOCK_ALT = 9;
    /// Stands for `EMSGSIZE`.
    EMSGSIZE_ALT = 10;
    /// Stands for `EAFNOSUPPORT`.
    EAFNOSUPPORT_ALT = 11;
    /// Stands for `ENETUNREACH`.
    ENETUNREACH_ALT = 12;
    /// Stands for `ECONNABORTED`.
    ECONNABORTED_ALT = 13;
    /// Stands for `ECONNRESET`.
    ECONNRESET_ALT = 14;
    /// Stands for `ENOTCONN`.
    ENOTCONN_ALT = 15;
    /// Stands for `ETIMEDOUT`.
    ETIMEDOUT_ALT = 16;
    /// Stands for `EHOSTUNREACH`.
    EHOSTUNREACH_ALT = 17;
    /// Stands for `ENETRESET`.
    ENETRESET_ALT = 18;
}
