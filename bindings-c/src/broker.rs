//! The broker.

use std::ffi::{c_int, c_void};

use pigato::binding::Broker;
use pigato::broker::Event;
use pigato::config::defaults;
use pigato::{Error, ErrorCode};

use crate::arguments::{duration, give, out, pigato_bytes, pigato_text, reference, release, text};
use crate::event::{
    free_all, pigato_event_kind, Owner, Storage, Target, PIGATO_EVENT_CLIENT_LEFT, PIGATO_EVENT_PROTOCOL_ERROR,
    PIGATO_EVENT_STOPPED, PIGATO_EVENT_WORKER_JOINED, PIGATO_EVENT_WORKER_LEFT,
};
use crate::options::{broker_options, pigato_options};
use crate::status::{guarded, guarded_quietly, pigato_status};

/// A broker: takes requests from clients and hands them to workers.
pub struct pigato_broker(Broker);

/// Something that a broker tells. It works on, whether anybody looks at its events or not.
#[repr(C)]
pub struct pigato_broker_event {
    /// What it tells.
    pub kind: pigato_event_kind,
    /// Whom it is about: a worker's or client's identity. Not of `STOPPED`.
    pub peer: pigato_bytes,
    /// Of `WORKER_JOINED` and `WORKER_LEFT`: what the worker offers.
    pub service: pigato_bytes,
    /// Of `WORKER_LEFT` and `CLIENT_LEFT`: why, one of `disconnected` `silent` `unroutable` `overflow` `protocol_error`
    /// `restarted` `broker_stopped`. Of `PROTOCOL_ERROR`: what was wrong.
    pub reason: pigato_bytes,
    /// Not for you: what the pointers above point into.
    pub storage: *mut c_void,
}

impl Owner for pigato_broker_event {
    fn storage(&mut self) -> &mut *mut c_void {
        &mut self.storage
    }
}

impl pigato_broker_event {
    fn of(event: Event) -> Self {
        let storage = Box::new(Storage::Broker(event));
        let Storage::Broker(event) = &*storage else { unreachable!("it was just put there") };
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

/// Counters since the start, and what there is now.
#[repr(C)]
pub struct pigato_statistics {
    /// Requests received, whatever became of them.
    pub requests: u64,
    /// Requests handed to workers; more than one for a request that was retried or rejected.
    pub dispatches: u64,
    /// Final replies passed on.
    pub replies: u64,
    /// Partial replies passed on.
    pub partial_replies: u64,
    /// Requests rejected by a worker and put back.
    pub rejects: u64,
    /// Requests put back because their worker was lost.
    pub retries: u64,
    /// Requests whose timeout passed.
    pub expired: u64,
    /// Requests ended by their client, or with it.
    pub cancelled: u64,
    /// Requests refused or ended with an error that the broker made.
    pub errors: u64,
    /// Replies to requests that the broker had ended itself, dropped.
    pub late_replies: u64,
    /// Requests answered from the reply cache.
    pub cache_hits: u64,
    /// Messages that broke the protocol.
    pub protocol_errors: u64,
    /// Messages that could not be delivered because their receiver was gone or too slow.
    pub undeliverable: u64,
    /// Workers registered now.
    pub workers: u64,
    /// Clients known now.
    pub clients: u64,
    /// Requests waiting for a worker now.
    pub queued: u64,
    /// Requests at workers now.
    pub in_flight: u64,
    /// Bytes of all requests held now.
    pub request_bytes: u64,
    /// Bytes in the reply cache now.
    pub cache_bytes: u64,
    /// Events that nobody was told of, because too many waited to be polled.
    pub missed_events: u64,
}

/// Starts a broker that listens on `count` endpoints; with none, on `tcp://127.0.0.1:55555`. A `*` for a port takes a
/// free one, which `pigato_broker_endpoint` tells. `PIGATO_E_ENDPOINT` for one that cannot be bound, and then nothing is
/// left.
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
        give(place, pigato_broker(started))
    })
}

/// Stops a broker at once and frees it. No other call with this broker may be under way, nor follow. Does nothing with
/// NULL.
#[no_mangle]
pub unsafe extern "C" fn pigato_broker_free(broker: *mut pigato_broker) {
    guarded_quietly(|| release(broker));
}

/// Where a broker listens: the place with this number, from 0 on, with the port that `*` became. Valid until the broker is
/// freed. `PIGATO_E_ARGUMENT` for a number that there is not.
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
            Error::new(ErrorCode::Argument, format!("there are {} endpoints, counted from 0", endpoints.len()))
        })?;
        place.write(of(endpoint.as_bytes()));
        Ok(())
    })
}

/// Where a broker publishes for core services; empty if nowhere. Valid until the broker is freed.
#[no_mangle]
pub unsafe extern "C" fn pigato_broker_intch(broker: *const pigato_broker, intch: *mut pigato_bytes) -> pigato_status {
    guarded(|| {
        let place = out(intch, "intch")?;
        place.write(reference(broker, "broker")?.0.intch().map_or(pigato_bytes::EMPTY, |intch| of(intch.as_bytes())));
        Ok(())
    })
}

/// A broker's name. Valid until the broker is freed.
#[no_mangle]
pub unsafe extern "C" fn pigato_broker_name(broker: *const pigato_broker, name: *mut pigato_bytes) -> pigato_status {
    guarded(|| {
        let place = out(name, "name")?;
        place.write(of(reference(broker, "broker")?.0.name().as_bytes()));
        Ok(())
    })
}

/// Counters since the start, and what there is now. `PIGATO_C_CLOSED` once the broker has stopped.
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

/// Which workers offer which service, as a JSON object of arrays of identities. Freed with `pigato_text_free`.
/// `PIGATO_C_CLOSED` once the broker has stopped.
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

/// A descriptor that is readable while there are events, and from the end of the handle on, for poll, epoll, libuv and the
/// like. Never read from it or close it. Valid until the broker is freed.
#[no_mangle]
pub unsafe extern "C" fn pigato_broker_fd(broker: *const pigato_broker, descriptor: *mut c_int) -> pigato_status {
    guarded(|| {
        let broker = &reference(broker, "broker")?.0;
        broker.refuse_fork()?;
        out(descriptor, "descriptor")?.write(broker.descriptor());
        Ok(())
    })
}

/// Takes up to `capacity` events, the oldest first, and no more than `PIGATO_EVENTS_PER_POLL`; `count` tells how many. Waits for the first up to `timeout_ms`: not
/// at all with 0, without end below that. If none comes in time that is `PIGATO_OK` with a `count` of 0. Several threads may poll at once, each gets events of its own. The events are
/// freed with `pigato_broker_events_free`. `PIGATO_C_CLOSED` once nothing can follow.
#[no_mangle]
pub unsafe extern "C" fn pigato_broker_poll(
    broker: *const pigato_broker,
    events: *mut pigato_broker_event,
    capacity: usize,
    timeout_ms: i64,
    count: *mut usize,
) -> pigato_status {
    guarded(|| {
        let target = Target::new(events, capacity, count)?;
        let broker = &reference(broker, "broker")?.0;
        target.poll(timeout_ms, |into, most, timeout| broker.poll(into, most, timeout), pigato_broker_event::of)
    })
}

/// Frees what events own. The array itself is the caller's. Freeing an event again does nothing.
#[no_mangle]
pub unsafe extern "C" fn pigato_broker_events_free(events: *mut pigato_broker_event, count: usize) {
    guarded_quietly(|| free_all(events, count));
}

/// Stops a broker: it finishes what it has accepted, for `timeout_ms` at most (below 0: however long it takes), refuses
/// new requests with `PIGATO_B_DRAINING`, tells its workers, and frees its addresses. Ends with `PIGATO_EVENT_STOPPED`.
/// `PIGATO_C_CLOSED` if it has stopped already.
#[no_mangle]
pub unsafe extern "C" fn pigato_broker_stop(broker: *const pigato_broker, timeout_ms: i64) -> pigato_status {
    guarded(|| reference(broker, "broker")?.0.stop(duration(timeout_ms)))
}
