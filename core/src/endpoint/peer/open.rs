//! Starting clients and workers.

use std::sync::Arc;

use pigato_frame::Frame;

use super::commands::{ClientCommand, WorkerCommand};
use super::PeerEndpoint;
use crate::client;
use crate::config::{ClientOptions, WorkerOptions};
use crate::error::{Error, ErrorCode};
use crate::protocol::ServiceName;
use crate::random;
use crate::reactor::{Engine, EventSink, Handle};
use crate::worker;

/// Starts a client that connects to `endpoint`. The broker need not run yet.
///
/// # Errors
///
/// `E_ENDPOINT` for an invalid endpoint, `E_OPTION` for an invalid prefix, `E_SYSTEM` if the system has no sockets left.
pub fn open_client(
    engine: &Arc<Engine>,
    endpoint: &str,
    options: ClientOptions,
    sink: Box<dyn EventSink<client::Event>>,
) -> Result<Handle<ClientCommand>, Error> {
    let reconnect = options.reconnect;
    let mut machine = client::Machine::new(options, random::entropy()?);
    machine.start();
    PeerEndpoint::start(engine, endpoint, reconnect, machine, sink)
}

/// Starts a worker for `service` that connects to `endpoint`.
///
/// # Errors
///
/// As for [`open_client`].
pub fn open_worker(
    engine: &Arc<Engine>,
    endpoint: &str,
    service: ServiceName,
    options: WorkerOptions,
    sink: Box<dyn EventSink<worker::Event>>,
) -> Result<Handle<WorkerCommand>, Error> {
    let reconnect = options.reconnect;
    let mut machine = worker::Machine::new(service, options, random::entropy()?);
    machine.start();
    PeerEndpoint::start(engine, endpoint, reconnect, machine, sink)
}

/// Checks a service name; `E_OPTION` for one that is empty or too long.
pub(crate) fn service_name(name: impl Into<Frame>) -> Result<ServiceName, Error> {
    ServiceName::new(name.into()).ok_or_else(|| Error::new(ErrorCode::Option, "a service name has 1 to 255 bytes"))
}
