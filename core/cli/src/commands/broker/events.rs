//! Logs the broker's events.

use pigato::broker::Event;
use tracing::{debug, info, warn};

/// Logs an event. Runs on the I/O thread; logging does not block.
pub(crate) fn log(event: &Event) {
    match event {
        Event::WorkerJoined { worker, service } => info!(%worker, ?service, "worker joined"),
        Event::WorkerLeft { worker, service, reason } => info!(%worker, ?service, ?reason, "worker left"),
        Event::ClientLeft { client, reason } => debug!(%client, ?reason, "client left"),
        Event::ProtocolError { peer, error } => warn!(%peer, ?error, "protocol error"),
        Event::Drained => debug!("all accepted requests have ended"),
        other => debug!(?other, "event"),
    }
}
