//! Errors of the operating system and of libzmq as errors of this crate.

use crate::error::{Error, ErrorCode};

pub(crate) fn system_error(error: zmq::Error) -> Error {
    Error::new(ErrorCode::System, error.message())
}

/// The error for an endpoint that libzmq or the operating system refuses, with the reason and what to do.
pub(crate) fn endpoint_error(endpoint: &str, error: zmq::Error) -> Error {
    let hint = match error {
        zmq::Error::EADDRINUSE => "another program listens there; stop it, choose another port, or let the system choose with `tcp://127.0.0.1:*`",
        zmq::Error::EINVAL | zmq::Error::EPROTONOSUPPORT => "write tcp://HOST:PORT, ipc://PATH or inproc://NAME",
        zmq::Error::ENODEV | zmq::Error::EADDRNOTAVAIL => "this machine has no such address",
        _ => "",
    };
    let separator = if hint.is_empty() { "" } else { "; " };
    Error::new(ErrorCode::Endpoint, format!("`{endpoint}`: {}{separator}{hint}", error.message()))
}

/// An error of the operating system as libzmq numbers it.
pub(crate) fn os_error(error: &std::io::Error) -> zmq::Error {
    error.raw_os_error().map_or(zmq::Error::EINVAL, zmq::Error::from_raw)
}
