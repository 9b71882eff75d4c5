//! ZMTP, the protocol that ZeroMQ's sockets speak over TCP, without I/O.
//!
//! A [`Connection`] is one side of one TCP connection. What was read from it goes into [`Connection::decode`], which tells when
//! the handshake is over and gives one message after the other; what is to be written is in [`Connection::outgoing`].
//!
//! Spoken are ZMTP 3.0 and 3.1 ([RFC 23](https://rfc.zeromq.org/spec/23/), [RFC 37](https://rfc.zeromq.org/spec/37/)) with the NULL
//! mechanism, and ZMTP 2.0 ([RFC 15](https://rfc.zeromq.org/spec/15/)) for peers with libzmq 3. Heartbeats of a peer (`PING`) are
//! answered.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod connection;
mod decoder;
mod greeting;
mod outgoing;

pub use connection::{Connection, Input, Malformed, SocketType};
pub use outgoing::Outgoing;
