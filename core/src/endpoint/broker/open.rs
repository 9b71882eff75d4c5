//! Starting a broker.

use std::sync::Arc;

use super::commands::BoundBroker;
use super::BrokerEndpoint;
use crate::broker::{Event, Machine, Persistence};
use crate::config::BrokerOptions;
use crate::error::{Error, ErrorCode};
use crate::random;
use crate::reactor::{Engine, EventSink, Handle, Mailbox};
use crate::transport::{Peers, Publisher};

/// Starts a broker that listens on all of `endpoints`.
///
/// With [`Persistence::On`] the broker reads no message before it receives the requests that it stored in its previous run
/// (`BrokerCommand::Restore`): a request that its client sends again must find the stored one.
///
/// # Errors
///
/// `E_ENDPOINT` if an endpoint cannot be bound; then none is left bound. `E_SYSTEM` if the operating system has no
/// sockets or threads left.
pub fn open_broker(
    engine: &Arc<Engine>,
    endpoints: &[String],
    options: BrokerOptions,
    persistence: Persistence,
    sink: Box<dyn EventSink<Event>>,
) -> Result<BoundBroker, Error> {
    if endpoints.is_empty() {
        return Err(Error::new(ErrorCode::Endpoint, "a broker needs an endpoint to listen on"));
    }
    let context = engine.context()?;
    let mut endpoints = endpoints.to_vec();
    let peers = Peers::listen(&context, &mut endpoints)?;
    let (publisher, intch) = match &options.intch {
        None => (None, None),
        Some(intch) => {
            let (publisher, bound) = Publisher::bind(&context, intch)
                .map_err(|error| Error::new(error.code(), format!("intch {}, or run without one", error.detail())))?;
            (Some(publisher), Some(bound))
        }
    };
    let machine = Machine::new(options, random::entropy()?).persistence(persistence);
    let name = machine.name().to_owned();
    let mailbox = Arc::new(Mailbox::default());
    let endpoint = BrokerEndpoint::new(machine, Arc::clone(&mailbox), sink, peers, publisher, context, persistence);
    let handle = Handle::adopt(Arc::clone(engine), mailbox, Box::new(endpoint));
    let endpoints = endpoints.into_iter().map(as_ipv4).collect();
    Ok(BoundBroker { handle, name, endpoints, intch: intch.map(as_ipv4) })
}

/// An IPv4 endpoint as it was asked for. Sockets that accept IPv6, too, report 127.0.0.1 as `[::ffff:127.0.0.1]`, which
/// peers without IPv6 (all published ones) cannot connect to.
fn as_ipv4(endpoint: String) -> String {
    let mapped = endpoint.strip_prefix("tcp://[::ffff:").and_then(|rest| rest.split_once("]:"));
    match mapped {
        Some((address, port)) if address.parse::<std::net::Ipv4Addr>().is_ok() => format!("tcp://{address}:{port}"),
        _ => endpoint,
    }
}

#[cfg(test)]
mod tests {
    use super::as_ipv4;

    #[test]
    fn an_ipv4_endpoint_is_reported_as_ipv4() {
        assert_eq!(as_ipv4("tcp://[::ffff:127.0.0.1]:5".to_owned()), "tcp://127.0.0.1:5");
        for other in ["tcp://[::1]:5", "tcp://[::]:5", "tcp://[::ffff:x]:5", "ipc:///tmp/x", "inproc://x"] {
            assert_eq!(as_ipv4(other.to_owned()), other);
        }
    }
}
