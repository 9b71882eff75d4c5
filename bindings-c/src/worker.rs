//! The worker.

use std::ffi::{c_char, c_int, c_void};

use pigato::binding::{Answer, Worker, WorkerEvent};
use pigato::protocol::Frame;
use pigato::worker::CancelReason;
use pigato::{Concurrency, Error, ErrorCode, PeerEvent};

use crate::arguments::{bytes, duration, give, out, pigato_bytes, reference, release, text};
use crate::event::{
    codec, free_all, pigato_codec, pigato_event_kind, protocol_error, Owner, Storage, Target, PIGATO_CODEC_JSON,
    PIGATO_EVENT_CANCELLED, PIGATO_EVENT_CONNECTED, PIGATO_EVENT_DISCONNECTED, PIGATO_EVENT_HEARTBEAT,
    PIGATO_EVENT_PROTOCOL_ERROR, PIGATO_EVENT_REQUEST, PIGATO_EVENT_STOPPED, PIGATO_EVENT_WRITABLE,
};
use crate::options::{pigato_options, reply_options, worker_options};
use crate::status::{guarded, guarded_quietly, pigato_status};

/// A worker: offers a service.
pub struct pigato_worker(Worker);

/// Why a request is no longer live although it was not answered.
pub type pigato_cancel_reason = i32;

/// The event is no cancellation.
pub const PIGATO_CANCEL_NONE: pigato_cancel_reason = 0;
/// The client gave up, timed out or vanished.
pub const PIGATO_CANCEL_CLIENT: pigato_cancel_reason = 1;
/// The connection to the broker is gone.
pub const PIGATO_CANCEL_DISCONNECTED: pigato_cancel_reason = 2;
/// The worker was stopped.
pub const PIGATO_CANCEL_STOPPED: pigato_cancel_reason = 3;

/// Something that a worker tells. A request is live from its `PIGATO_EVENT_REQUEST` until its final reply, its rejection
/// or a `PIGATO_EVENT_CANCELLED`.
#[repr(C)]
pub struct pigato_worker_event {
    /// What it tells.
    pub kind: pigato_event_kind,
    /// Of `REQUEST`, `CANCELLED`, `HEARTBEAT` and `WRITABLE`: the request, for replies. Never used again.
    pub request: u64,
    /// Of `CANCELLED`: why.
    pub reason: pigato_cancel_reason,
    /// Of `REQUEST`: how the data is to be read.
    pub codec: pigato_codec,
    /// Of `REQUEST`: 1 the first time it is handed to a worker, more after workers were lost with it.
    pub attempt: u32,
    /// Of `REQUEST`: what was left of its timeout when it was handed over; -1 if there is none or it is not known.
    pub remaining_ms: i64,
    /// Of `REQUEST`: the name that was asked for, which is not the worker's own if that is a wildcard.
    pub service: pigato_bytes,
    /// Of `REQUEST`: the client's identity.
    pub client: pigato_bytes,
    /// Of `REQUEST`: what the client calls it.
    pub id: pigato_bytes,
    /// Of `REQUEST`: the data.
    pub data: pigato_bytes,
    /// Of `REQUEST`: the client's options, with its own keys: JSON, or empty.
    pub options: pigato_bytes,
    /// Of `PROTOCOL_ERROR`: what it was, for people.
    pub message: pigato_bytes,
    /// Not for you: what the pointers above point into.
    pub storage: *mut c_void,
}

impl Owner for pigato_worker_event {
    fn storage(&mut self) -> &mut *mut c_void {
        &mut self.storage
    }
}

impl pigato_worker_event {
    fn of(event: WorkerEvent) -> Self {
        match event {
            WorkerEvent::Peer(event) => Self::about_peer(event),
            WorkerEvent::Request(request) => Self::requested(request),
            WorkerEvent::Cancelled { token, reason } => {
                Self { reason: cancel_reason(reason), ..Self::about(PIGATO_EVENT_CANCELLED, token) }
            }
            WorkerEvent::Heartbeat { token } => Self::about(PIGATO_EVENT_HEARTBEAT, token),
            WorkerEvent::Writable { token } => Self::about(PIGATO_EVENT_WRITABLE, token),
        }
    }

    fn about(kind: pigato_event_kind, request: u64) -> Self {
        Self {
            kind,
            request,
            reason: PIGATO_CANCEL_NONE,
            codec: PIGATO_CODEC_JSON,
            attempt: 0,
            remaining_ms: -1,
            service: pigato_bytes::EMPTY,
            client: pigato_bytes::EMPTY,
            id: pigato_bytes::EMPTY,
            data: pigato_bytes::EMPTY,
            options: pigato_bytes::EMPTY,
            message: pigato_bytes::EMPTY,
            storage: std::ptr::null_mut(),
        }
    }

    fn about_peer(event: PeerEvent) -> Self {
        match event {
            PeerEvent::Disconnected => Self::about(PIGATO_EVENT_DISCONNECTED, 0),
            PeerEvent::Stopped => Self::about(PIGATO_EVENT_STOPPED, 0),
            PeerEvent::ProtocolError(malformed) => {
                Self { message: protocol_error(malformed), ..Self::about(PIGATO_EVENT_PROTOCOL_ERROR, 0) }
            }
            _ => Self::about(PIGATO_EVENT_CONNECTED, 0),
        }
    }

    fn requested(request: pigato::Request) -> Self {
        let storage = Box::new(Storage::Request(request));
        let Storage::Request(request) = &*storage else { unreachable!("it was just put there") };
        Self {
            codec: codec(request.codec()),
            attempt: request.attempt(),
            remaining_ms: request.remaining().map_or(-1, |left| i64::try_from(left.as_millis()).unwrap_or(i64::MAX)),
            service: pigato_bytes::of(request.service_bytes()),
            client: pigato_bytes::of(request.client_bytes()),
            id: pigato_bytes::of(request.id()),
            data: pigato_bytes::of(request.bytes()),
            options: pigato_bytes::of(request.options_bytes()),
            ..Self::about(PIGATO_EVENT_REQUEST, request.token())
        }
        .with(storage)
    }

    fn with(mut self, storage: Box<Storage>) -> Self {
        self.storage = storage.into_raw();
        self
    }
}

fn cancel_reason(reason: CancelReason) -> pigato_cancel_reason {
    match reason {
        CancelReason::Disconnected => PIGATO_CANCEL_DISCONNECTED,
        CancelReason::Stopped => PIGATO_CANCEL_STOPPED,
        _ => PIGATO_CANCEL_CLIENT,
    }
}

/// Starts a worker for `service` at the broker at `endpoint`. The service may be a wildcard (`ech*`) or a version
/// (`echo@1.2.3`). A broker that is not there yet is no error. `PIGATO_E_ENDPOINT` for an endpoint that cannot be used,
/// `PIGATO_E_OPTION` for a service name that is empty or longer than 255 bytes.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_start(
    endpoint: *const c_char,
    endpoint_length: usize,
    service: *const c_char,
    service_length: usize,
    options: *const pigato_options,
    worker: *mut *mut pigato_worker,
) -> pigato_status {
    guarded(|| {
        let place = out(worker, "worker")?;
        let endpoint = text(endpoint, endpoint_length, "endpoint")?;
        let service = Frame::from(bytes(service, service_length, "service")?);
        let started = Worker::start(endpoint, service, worker_options(options)?)?;
        give(place, pigato_worker(started))
    })
}

/// Stops a worker at once and frees it; what is not answered goes to other workers, or fails. No other call with this
/// worker may be under way, nor follow. Does nothing with NULL.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_free(worker: *mut pigato_worker) {
    guarded_quietly(|| release(worker));
}

/// Sends a partial reply: JSON, which is not checked, or any bytes if the options say `codec` `"raw"`. `PIGATO_C_BUSY` while the client has not
/// read enough of the earlier ones: then nothing was sent, and a `PIGATO_EVENT_WRITABLE` follows when it can be.
/// `PIGATO_C_CLOSED` if the request is not live.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_write(
    worker: *const pigato_worker,
    request: u64,
    data: *const c_char,
    data_length: usize,
    options: *const pigato_options,
) -> pigato_status {
    guarded(|| reference(worker, "worker")?.0.write(request, answer(data, data_length, options)?))
}

/// Sends the final reply; data and options as for `pigato_worker_write`. `PIGATO_C_CLOSED` if the request is not live.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_end(
    worker: *const pigato_worker,
    request: u64,
    data: *const c_char,
    data_length: usize,
    options: *const pigato_options,
) -> pigato_status {
    guarded(|| reference(worker, "worker")?.0.end(request, answer(data, data_length, options)?))
}

/// Sends an error value, JSON of your own, as the final reply. `PIGATO_C_CLOSED` if the request is not live.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_error(
    worker: *const pigato_worker,
    request: u64,
    data: *const c_char,
    data_length: usize,
    options: *const pigato_options,
) -> pigato_status {
    guarded(|| reference(worker, "worker")?.0.error(request, answer(data, data_length, options)?))
}

/// Ends a request whose handler has failed: the client gets `PIGATO_W_HANDLER` with this message. `PIGATO_C_CLOSED` if
/// the request is not live.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_fail(
    worker: *const pigato_worker,
    request: u64,
    message: *const c_char,
    message_length: usize,
) -> pigato_status {
    guarded(|| {
        let message = String::from_utf8_lossy(bytes(message, message_length, "message")?);
        reference(worker, "worker")?.0.fail(request, &message)
    })
}

/// Has another worker answer; the reason is JSON, or nothing. `PIGATO_C_CLOSED` if the request is not live.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_reject(
    worker: *const pigato_worker,
    request: u64,
    reason: *const c_char,
    reason_length: usize,
) -> pigato_status {
    guarded(|| {
        let reason = bytes(reason, reason_length, "reason")?;
        let reason = Frame::from(if reason.is_empty() { b"null" } else { reason });
        reference(worker, "worker")?.0.reject(request, reason)
    })
}

unsafe fn answer(data: *const c_char, length: usize, options: *const pigato_options) -> Result<Answer, Error> {
    Ok(Answer::new(bytes(data, length, "data")?, &reply_options(options)?))
}

/// Whether a reply is still wanted, as far as is known: the request is live, and its client has said so within the last
/// heartbeats.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_is_wanted(
    worker: *const pigato_worker,
    request: u64,
    is_wanted: *mut bool,
) -> pigato_status {
    guarded(|| {
        let worker = &reference(worker, "worker")?.0;
        worker.refuse_fork()?;
        out(is_wanted, "is_wanted")?.write(worker.is_wanted(request));
        Ok(())
    })
}

/// Takes this many requests at a time from now on, -1 for any number; the broker is told at once.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_set_concurrency(
    worker: *const pigato_worker,
    concurrency: i64,
) -> pigato_status {
    guarded(|| {
        let meant = Concurrency::from_number(concurrency).ok_or_else(|| {
            Error::new(ErrorCode::Argument, format!("a concurrency is 1 or more, or -1, not {concurrency}"))
        })?;
        reference(worker, "worker")?.0.set_concurrency(meant)
    })
}

/// Sends the broker a sign of life now. Happens by itself once a heartbeat interval, whatever your threads do.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_heartbeat(worker: *const pigato_worker) -> pigato_status {
    guarded(|| reference(worker, "worker")?.0.heartbeat())
}

/// A descriptor that is readable while there are events, and from the end of the handle on, for poll, epoll, libuv and the
/// like. Never read from it or close it. Valid until the worker is freed.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_fd(worker: *const pigato_worker, descriptor: *mut c_int) -> pigato_status {
    guarded(|| {
        let worker = &reference(worker, "worker")?.0;
        worker.refuse_fork()?;
        out(descriptor, "descriptor")?.write(worker.descriptor());
        Ok(())
    })
}

/// Takes up to `capacity` events, the oldest first, and no more than `PIGATO_EVENTS_PER_POLL`; `count` tells how many. Waits for the first up to `timeout_ms`: not
/// at all with 0, without end below that. If none comes in time that is `PIGATO_OK` with a `count` of 0. Several threads may poll at once, each gets events of its own. The events are
/// freed with `pigato_worker_events_free`. `PIGATO_C_CLOSED` once nothing can follow.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_poll(
    worker: *const pigato_worker,
    events: *mut pigato_worker_event,
    capacity: usize,
    timeout_ms: i64,
    count: *mut usize,
) -> pigato_status {
    guarded(|| {
        let target = Target::new(events, capacity, count)?;
        let worker = &reference(worker, "worker")?.0;
        target.poll(timeout_ms, |into, most, timeout| worker.poll(into, most, timeout), pigato_worker_event::of)
    })
}

/// Has what this worker is given from now on wait for each other, so that its I/O thread is woken once for all of it: for
/// programs that deal with the events of one poll on several threads. Nothing waits for more than about a millisecond, unless
/// the connection has no room. Corked twice is corked once, and one thread's uncorking ends another's cork. Left corked, the
/// I/O thread wakes up each millisecond.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_cork(worker: *const pigato_worker) -> pigato_status {
    guarded(|| {
        let worker = &reference(worker, "worker")?.0;
        worker.refuse_fork()?;
        worker.cork();
        Ok(())
    })
}

/// Ends what `pigato_worker_cork` began, and sends what has waited.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_uncork(worker: *const pigato_worker) -> pigato_status {
    guarded(|| {
        let worker = &reference(worker, "worker")?.0;
        worker.refuse_fork()?;
        worker.uncork();
        Ok(())
    })
}

/// Frees what events own. The array itself is the caller's. Freeing an event again does nothing.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_events_free(events: *mut pigato_worker_event, count: usize) {
    guarded_quietly(|| free_all(events, count));
}

/// Stops a worker once the requests that it has are answered, after `timeout_ms` at the latest (below 0: however long
/// it takes); new ones go to other workers. Ends with `PIGATO_EVENT_STOPPED`. `PIGATO_C_CLOSED` if it has stopped already.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_stop(worker: *const pigato_worker, timeout_ms: i64) -> pigato_status {
    guarded(|| reference(worker, "worker")?.0.stop(duration(timeout_ms)))
}
