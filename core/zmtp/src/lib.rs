//! ZMTP, the wire protocol of ZeroMQ sockets over TCP, without I/O.
//!
//! A [`Connection`] is one side of one TCP connection. Pass received bytes to
//! [`Connection::decode`], which reports the end of the handshake and then one message after the
//! other. Write the bytes of [`Connection::outgoing`] to the peer.
//!
//! Supported versions: ZMTP 3.0 and 3.1 ([RFC 23](https://rfc.zeromq.org/spec/23/), [RFC
//! 37](https://rfc.zeromq.org/spec/37/)) with the NULL mechanism, and ZMTP 2.0 ([RFC
//! 15](https://rfc.zeromq.org/spec/15/)), which libzmq 3 speaks. A connection answers the
//! heartbeats of a peer (`PING`) and sends none.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod connection;
mod decoder;
mod error;
mod greeting;
mod outgoing;
mod socket_type;

pub use connection::{Connection, Input};
pub use error::ProtocolError;
pub use outgoing::Outgoing;
pub use socket_type::SocketType;
