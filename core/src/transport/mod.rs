//! The transport: connections, and the messages that go through them. It knows no state machine.
//!
//! ```text
//!  accepting side                        connecting side
//!  Peers ─┬─ tcp::Listener                BrokerConnection ─┬─ tcp::Connector
//!         └─ zmq::Router (send queues)                      └─ zmq::Dealer
//!  Publisher (XPUB)  Subscription (SUB)
//! ```
//!
//! TCP connections speak ZMTP through `core/zmtp`. The sockets of libzmq serve `ipc://`, `inproc://`, `intch` and the TCP
//! addresses that only libzmq resolves (see ADR 6).

use std::sync::Arc;

use pigato_frame::Context;

use crate::error::{Error, ErrorCode};
use crate::protocol::PeerId;

mod address;
mod backoff;
mod connection;
mod delivery;
mod error;
mod peers;
mod settings;
mod tcp;
mod zmq;

pub(crate) use backoff::ConnectBackoff;
pub(crate) use connection::{BrokerConnection, TransportEvent};
pub(crate) use delivery::Delivery;
pub(crate) use peers::Peers;
pub(crate) use settings::{LINGER, OVERDUE_BATCHES, SEND_RETRY};
pub(crate) use zmq::{Closing, Publisher, Subscription};

/// Longest identity (RFC 28).
const IDENTITY_BYTES: usize = 255;

/// Opens a connection to the broker at `endpoint`.
pub(crate) fn connect(
    context: &Arc<Context>,
    endpoint: &str,
    identity: &PeerId,
    backoff: ConnectBackoff,
) -> Result<Box<dyn BrokerConnection>, Error> {
    address::check_connectable(endpoint)?;
    if identity.as_bytes().len() > IDENTITY_BYTES {
        return Err(Error::new(ErrorCode::Option, "prefix too long for an identity: at most 218 bytes"));
    }
    Ok(match tcp::ConnectAddress::parse(endpoint) {
        Some(address) => Box::new(tcp::Connector::new(address, identity, backoff)),
        None => Box::new(zmq::Dealer::open(context, endpoint, identity, backoff)?),
    })
}
