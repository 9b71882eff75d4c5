//! TCP connections that speak ZMTP without libzmq ([ADR 6](https://github.com/prdn/pigato/blob/main/core/docs/adr/0006-zmtp.md)).

use std::time::Duration;

mod address;
mod connector;
mod listener;
mod resolver;
mod stream;

pub(crate) use address::ConnectAddress;
pub(super) use address::ListenAddress;
pub(crate) use connector::Connector;
pub(crate) use listener::Listener;

/// How long connecting and the handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// Work budget: reads of an endpoint's connections before other endpoints get their turn.
const READS_PER_TURN: usize = 64;
