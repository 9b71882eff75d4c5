//! Brokers.

use std::ffi::{c_int, c_void};

use pigato::binding::Broker;
use pigato::broker::Event;
use pigato::config::defaults;
use pigato::{Error, ErrorCode};

use crate::arguments::{duration, out, pigato_bytes, reference, text, write_handle};
use crate::event::{
    free_all, pigato_event_kind, Owner, Storage, PIGATO_EVENT_CLIENT_LEFT, PIGATO_EVENT_PROTOCOL_ERROR,
    PIGATO_EVENT_STOPPED, PIGATO_EVENT_WORKER_JOINED, PIGATO_EVENT_WORKER_LEFT,
};
use crate::handle::{self, pollable};
use crate::options::{broker_options, pigato_options};
use crate::status::{guarded, guarded_quietly, pigato_status};
use crate::text::pigato_text;

/// A broker accepts requests from clients and sends them to workers.
pub struct pigato_broker(Broker);

pollable!(pigato_broker, "broker", Event => pigato_broker_event);

/// An event of a broker. Polling is optional: once 65536 events are queued, the broker drops
/// further ones and counts them in `missed_events`.
#[repr(C)]
pub struct pigato_broker_event {
    /// The kind, which decides which of the following members are set. Kinds are named without
    /// PIGATO_EVENT_ below.
    pub kind: pigato_event_kind,
    /// All kinds but STOPPED: the identity of the worker or client.
    pub peer: pigato_bytes,
    /// WORKER_JOINED, WORKER_LEFT: the service that the worker offers.
    pub service: pigato_bytes,
    /// WORKER_LEFT, CLIENT_LEFT: the reason, one of disconnected, silent, unroutable, overflow,
    /// protocol_error, restarted and broker_stopped. PROTOCOL_ERROR: the violation.
    pub reason: pigato_bytes,
    /// Internal: owns what the pointers above point to.
    pub storage: *mut c_void,
}

impl Owner for pigato_broker_event {
    fn storage(&mut self) -> &mut *mut c_void {
        &mut self.storage
    }
}

impl From<Event> for pigato_broker_event {
    fn from(event: Event) -> Self {
        let storage = Box::new(Storage::Broker(event));
        let Storage::Broker(event) = &*storage else { unreachable!("stored above") };
        let nothing = pigato_bytes::EMPTY;
        let (kind, peer, service, reason) = match event {
            Event::WorkerJoined { worker, service } => {
                (PIGATO_EVENT_WORKER_JOINED, of(worker.as_bytes()), of(service.as_bytes()), nothing)
            }
            Event::WorkerLeft { worker, service, reason } => {
                let reason = of(reason.as_str().as_bytes());
                (PIGATO_EVENT_WORKER_LEFT, of(worker.as_bytes()), of(service.as_bytes()), reason)
            }
            Event::ClientLeft { client, reason } => {
                (PIGATO_EVENT_CLIENT_LEFT, of(client.as_bytes()), nothing, of(reason.as_str().as_bytes()))
            }
            Event::ProtocolError { peer, error } => {
                (PIGATO_EVENT_PROTOCOL_ERROR, of(peer.as_bytes()), nothing, of(error.as_str().as_bytes()))
            }
            _ => (PIGATO_EVENT_STOPPED, nothing, nothing, nothing),
        };
        Self { kind, peer, service, reason, storage: storage.into_raw() }
    }
}

fn of(bytes: &[u8]) -> pigato_bytes {
    pigato_bytes::of(bytes)
}

/// Counters of a broker since its start, and gauges of its current state.
#[repr(C)]
pub struct pigato_statistics {
    /// Requests received.
    pub requests: u64,
    /// Deliveries of requests to workers; a request that is retried or rejected counts again.
    pub dispatches: u64,
    /// Final replies forwarded to clients.
    pub replies: u64,
    /// Partial replies forwarded to clients.
    pub partial_replies: u64,
    /// Requests that a worker rejected and the broker queued again.
    pub rejects: u64,
    /// Requests queued again because their worker was lost.
    pub retries: u64,
    /// Requests whose timeout expired.
    pub expired: u64,
    /// Requests that ended because their client cancelled them or left.
    pub cancelled: u64,
    /// Requests that the broker refused or ended with an error.
    pub errors: u64,
    /// Replies dropped because the broker had already ended their request.
    pub late_replies: u64,
    /// Requests answered from the reply cache.
    pub cache_hits: u64,
    /// Messages that violate the protocol.
    pub protocol_errors: u64,
    /// Messages dropped because their receiver was gone or too slow.
    pub undeliverable: u64,
    /// Now: registered workers.
    pub workers: u64,
    /// Now: known clients.
    pub clients: u64,
    /// Now: requests that wait for a worker.
    pub queued: u64,
    /// Now: requests at workers.
    pub in_flight: u64,
    /// Now: bytes of all requests held.
    pub request_bytes: u64,
    /// Now: bytes in the reply cache.
    pub cache_bytes: u64,
    /// Events dropped because 65536 others waited for a poll.
    pub missed_events: u64,
}

/// Starts a broker that listens on `count` endpoints; with a `count` of 0 on tcp://127.0.0.1:55555.
/// The port * takes a free port, which pigato_broker_endpoint() returns. `options` are of kind
/// PIGATO_OPTIONS_BROKER or NULL. Free the broker with pigato_broker_free().
///
/// Returns PIGATO_E_ENDPOINT if an endpoint, or the option intch, cannot be bound; none is bound
/// then.
#[no_mangle]
pub unsafe extern "C" fn pigato_broker_start(
    endpoints: *const pigato_bytes,
    count: usize,
    options: *const pigato_options,
    broker: *mut *mut pigato_broker,
) -> pigato_status {
    guarded(|| {
        let place = out(broker, "broker")?;
        let mut wanted = Vec::new();
        for at in 0..count {
            let given = reference(endpoints, "endpoints").map(|first| &*std::ptr::from_ref(first).add(at))?;
            wanted.push(text(given.data, given.length, "endpoints")?.to_owned());
        }
        if wanted.is_empty() {
            wanted.push(defaults::ENDPOINT.to_owned());
        }
        let started = Broker::start(&wanted, broker_options(options)?)?;
        write_handle(place, pigato_broker(started))
    })
}

/// Stops a broker at once and frees it. No other call with this broker may be running or follow.
/// Does nothing for NULL.
#[no_mangle]
pub unsafe extern "C" fn pigato_broker_free(broker: *mut pigato_broker) {
    handle::free(broker);
}

/// Returns the endpoint with this index, counted from 0, with the port that the broker listens on.
/// The text is valid until the broker is freed.
///
/// Returns PIGATO_E_ARGUMENT if the broker has fewer endpoints.
#[no_mangle]
pub unsafe extern "C" fn pigato_broker_endpoint(
    broker: *const pigato_broker,
    index: usize,
    endpoint: *mut pigato_bytes,
) -> pigato_status {
    guarded(|| {
        let place = out(endpoint, "endpoint")?;
        let endpoints = reference(broker, "broker")?.0.endpoints();
        let endpoint = endpoints.get(index).ok_or_else(|| {
            Error::new(ErrorCode::Argument, format!("`index` is {index} of {} endpoints", endpoints.len()))
        })?;
        place.write(of(endpoint.as_bytes()));
        Ok(())
    })
}

/// Returns the endpoint on which the broker publishes its directory to core services; empty if
/// none. The text is valid until the broker is freed.
#[no_mangle]
pub unsafe extern "C" fn pigato_broker_intch(broker: *const pigato_broker, intch: *mut pigato_bytes) -> pigato_status {
    guarded(|| {
        let place = out(intch, "intch")?;
        place.write(reference(broker, "broker")?.0.intch().map_or(pigato_bytes::EMPTY, |intch| of(intch.as_bytes())));
        Ok(())
    })
}

/// Returns the broker's name. The text is valid until the broker is freed.
#[no_mangle]
pub unsafe extern "C" fn pigato_broker_name(broker: *const pigato_broker, name: *mut pigato_bytes) -> pigato_status {
    guarded(|| {
        let place = out(name, "name")?;
        place.write(of(reference(broker, "broker")?.0.name().as_bytes()));
        Ok(())
    })
}

/// Returns the broker's counters. Blocks until the I/O thread answers.
///
/// Returns PIGATO_C_CLOSED if the broker has stopped.
#[no_mangle]
pub unsafe extern "C" fn pigato_broker_statistics(
    broker: *const pigato_broker,
    statistics: *mut pigato_statistics,
) -> pigato_status {
    guarded(|| {
        let place = out(statistics, "statistics")?;
        let broker = &reference(broker, "broker")?.0;
        let now = broker.statistics()?;
        place.write(pigato_statistics {
            requests: now.requests,
            dispatches: now.dispatches,
            replies: now.replies,
            partial_replies: now.partial_replies,
            rejects: now.rejects,
            retries: now.retries,
            expired: now.expired,
            cancelled: now.cancelled,
            errors: now.errors,
            late_replies: now.late_replies,
            cache_hits: now.cache_hits,
            protocol_errors: now.protocol_errors,
            undeliverable: now.undeliverable,
            workers: now.workers as u64,
            clients: now.clients as u64,
            queued: now.queued as u64,
            in_flight: now.in_flight as u64,
            request_bytes: now.request_bytes as u64,
            cache_bytes: now.cache_bytes as u64,
            missed_events: broker.missed_events(),
        });
        Ok(())
    })
}

/// Returns which workers offer which service: a JSON object that maps each service to an array of
/// worker identities. Free the text with pigato_text_free(). Blocks until the I/O thread answers.
///
/// Returns PIGATO_C_CLOSED if the broker has stopped.
#[no_mangle]
pub unsafe extern "C" fn pigato_broker_directory(
    broker: *const pigato_broker,
    directory: *mut pigato_text,
) -> pigato_status {
    guarded(|| {
        let place = out(directory, "directory")?;
        let directory = reference(broker, "broker")?.0.directory()?;
        place.write(pigato_text::new(serde_json::Value::Object(directory).to_string())?);
        Ok(())
    })
}

/// Returns a descriptor that is readable while events are queued; see "Polling" at the top. It is
/// valid until the broker is freed.
#[no_mangle]
pub unsafe extern "C" fn pigato_broker_fd(broker: *const pigato_broker, descriptor: *mut c_int) -> pigato_status {
    handle::fd(broker, descriptor)
}

/// Returns up to `capacity` events and their number; see "Polling" at the top. Blocks for
/// `timeout_ms` at most: 0 does not wait, a negative number waits forever. Free the events with
/// pigato_broker_events_free().
///
/// Returns PIGATO_C_CLOSED once PIGATO_EVENT_STOPPED has been returned, and PIGATO_E_ARGUMENT for a
/// `capacity` of 0.
#[no_mangle]
pub unsafe extern "C" fn pigato_broker_poll(
    broker: *const pigato_broker,
    events: *mut pigato_broker_event,
    capacity: usize,
    timeout_ms: i64,
    count: *mut usize,
) -> pigato_status {
    handle::poll(broker, events, capacity, timeout_ms, count)
}

/// Frees what `count` events own; the array stays yours. Freeing an event again, or freeing NULL,
/// does nothing.
#[no_mangle]
pub unsafe extern "C" fn pigato_broker_events_free(events: *mut pigato_broker_event, count: usize) {
    guarded_quietly(|| free_all(events, count));
}

/// Stops a broker once the requests at workers have ended, after `timeout_ms` milliseconds at the
/// latest: 0 stops at once, a negative number sets no limit. New requests, and those that wait for
/// a worker that does not exist, fail with PIGATO_B_DRAINING. The broker informs its workers and
/// closes its endpoints, then PIGATO_EVENT_STOPPED follows.
///
/// Returns PIGATO_C_CLOSED if the broker has already stopped.
#[no_mangle]
pub unsafe extern "C" fn pigato_broker_stop(broker: *const pigato_broker, timeout_ms: i64) -> pigato_status {
    guarded(|| reference(broker, "broker")?.0.stop(duration(timeout_ms)))
}
