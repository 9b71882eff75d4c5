//! Workers.

use std::ffi::{c_char, c_int, c_void};

use pigato::binding::{Answer, Worker, WorkerEvent};
use pigato::protocol::Frame;
use pigato::worker::CancelReason;
use pigato::{Concurrency, Error, ErrorCode};

use crate::arguments::{bytes, duration, out, pigato_bytes, reference, text, write_handle};
use crate::event::{
    codec, free_all, peer_event, pigato_codec, pigato_event_kind, Owner, Storage, PIGATO_CODEC_JSON,
    PIGATO_EVENT_CANCELLED, PIGATO_EVENT_HEARTBEAT, PIGATO_EVENT_REQUEST, PIGATO_EVENT_WRITABLE,
};
use crate::handle::{self, corkable};
use crate::options::{pigato_options, reply_options, worker_options};
use crate::status::{guarded, guarded_quietly, pigato_status};

/// A worker offers a service and answers its requests. A request that a worker has is a job.
pub struct pigato_worker(Worker);

corkable!(pigato_worker, "worker", WorkerEvent => pigato_worker_event);

/// Why a job has ended without a final reply.
pub type pigato_cancel_reason = i32;

/// The event is not a cancellation.
pub const PIGATO_CANCEL_NONE: pigato_cancel_reason = 0;
/// The client cancelled the request, timed out or is gone.
pub const PIGATO_CANCEL_CLIENT: pigato_cancel_reason = 1;
/// The connection to the broker was lost.
pub const PIGATO_CANCEL_DISCONNECTED: pigato_cancel_reason = 2;
/// The worker was stopped.
pub const PIGATO_CANCEL_STOPPED: pigato_cancel_reason = 3;

/// An event of a worker. A job lasts from its PIGATO_EVENT_REQUEST to its final reply, its
/// rejection or its PIGATO_EVENT_CANCELLED.
#[repr(C)]
pub struct pigato_worker_event {
    /// The kind, which decides which of the following members are set. Kinds are named without
    /// PIGATO_EVENT_ below.
    pub kind: pigato_event_kind,
    /// REQUEST, CANCELLED, HEARTBEAT, WRITABLE: the request number of the job, unique for this
    /// worker.
    pub request: u64,
    /// CANCELLED: the reason.
    pub reason: pigato_cancel_reason,
    /// REQUEST: the encoding of `data`.
    pub codec: pigato_codec,
    /// REQUEST: 1 for the first worker that gets the request; higher after workers were lost with
    /// it.
    pub attempt: u32,
    /// REQUEST: what was left of the timeout on delivery, in milliseconds; -1 if there is none or
    /// it is unknown.
    pub remaining_ms: i64,
    /// REQUEST: the service that the client asked for. It differs from the worker's if that is a
    /// wildcard.
    pub service: pigato_bytes,
    /// REQUEST: the identity of the client.
    pub client: pigato_bytes,
    /// REQUEST: the id that the client gave the request.
    pub id: pigato_bytes,
    /// REQUEST: the data.
    pub data: pigato_bytes,
    /// REQUEST: the options and headers of the request, a JSON object or empty.
    pub options: pigato_bytes,
    /// PROTOCOL_ERROR: a description for people.
    pub message: pigato_bytes,
    /// Internal: owns what the pointers above point to.
    pub storage: *mut c_void,
}

impl Owner for pigato_worker_event {
    fn storage(&mut self) -> &mut *mut c_void {
        &mut self.storage
    }
}

impl From<WorkerEvent> for pigato_worker_event {
    fn from(event: WorkerEvent) -> Self {
        match event {
            WorkerEvent::Peer(event) => {
                let (kind, message) = peer_event(event);
                Self { message, ..Self::bare(kind, 0) }
            }
            WorkerEvent::Request(request) => Self::requested(request),
            WorkerEvent::Cancelled { number, reason } => {
                Self { reason: cancel_reason(reason), ..Self::bare(PIGATO_EVENT_CANCELLED, number) }
            }
            WorkerEvent::Heartbeat { number } => Self::bare(PIGATO_EVENT_HEARTBEAT, number),
            WorkerEvent::Writable { number } => Self::bare(PIGATO_EVENT_WRITABLE, number),
        }
    }
}

impl pigato_worker_event {
    fn bare(kind: pigato_event_kind, request: u64) -> Self {
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

    fn requested(request: pigato::Request) -> Self {
        let storage = Box::new(Storage::Request(request));
        let Storage::Request(request) = &*storage else { unreachable!("stored above") };
        Self {
            codec: codec(request.codec()),
            attempt: request.attempt(),
            remaining_ms: request.remaining().map_or(-1, |left| i64::try_from(left.as_millis()).unwrap_or(i64::MAX)),
            service: pigato_bytes::of(request.service_bytes()),
            client: pigato_bytes::of(request.client_bytes()),
            id: pigato_bytes::of(request.id()),
            data: pigato_bytes::of(request.bytes()),
            options: pigato_bytes::of(request.options_bytes()),
            ..Self::bare(PIGATO_EVENT_REQUEST, request.number())
        }
        .with(storage)
    }

    fn with(self, storage: Box<Storage>) -> Self {
        Self { storage: storage.into_raw(), ..self }
    }
}

fn cancel_reason(reason: CancelReason) -> pigato_cancel_reason {
    match reason {
        CancelReason::Disconnected => PIGATO_CANCEL_DISCONNECTED,
        CancelReason::Stopped => PIGATO_CANCEL_STOPPED,
        _ => PIGATO_CANCEL_CLIENT,
    }
}

/// Starts a worker that offers `service` at the broker at `endpoint`. The service may be a wildcard
/// (ech*) or a version (echo@1.2.3) and has 1 to 255 bytes. Does not wait for the connection.
/// `options` are of kind PIGATO_OPTIONS_WORKER or NULL. Free the worker with pigato_worker_free().
///
/// Returns PIGATO_E_ENDPOINT if the endpoint cannot be used, and PIGATO_E_OPTION if the service
/// name is empty or too long.
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
        write_handle(place, pigato_worker(started))
    })
}

/// Stops a worker at once and frees it. Jobs without a final reply go to other workers if their
/// requests have `retry`, and fail otherwise. No other call with this worker may be running or
/// follow. Does nothing for NULL.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_free(worker: *mut pigato_worker) {
    handle::free(worker);
}

/// Sends a partial reply to a job. `data` is JSON, which is not checked; with the option codec
/// "raw" it is any bytes. `options` are of kind PIGATO_OPTIONS_REPLY or NULL.
///
/// Returns PIGATO_C_BUSY if the client has not read enough of the earlier ones: nothing was sent,
/// and PIGATO_EVENT_WRITABLE follows when the job accepts partial replies again. Returns
/// PIGATO_C_CLOSED if the job has ended.
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

/// Sends the final reply to a job and ends it. Data and options as for pigato_worker_write().
///
/// Returns PIGATO_C_CLOSED if the job has already ended.
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

/// Ends a job with an error value of your own, as JSON; the client gets PIGATO_REMOTE_ERROR and the
/// value. Options as for pigato_worker_write().
///
/// Returns PIGATO_C_CLOSED if the job has already ended.
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

/// Ends a job whose handler has failed; the client gets PIGATO_W_HANDLER and the message.
///
/// Returns PIGATO_C_CLOSED if the job has already ended.
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

/// Rejects a job: the broker sends the request to another worker. The reason is JSON, or empty for
/// null.
///
/// Returns PIGATO_C_CLOSED if the job has already ended.
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

/// Returns whether the reply to a job is still wanted, as far as this worker knows: the job has not
/// ended, and its client has sent a heartbeat within the last heartbeat intervals.
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

/// Sets the most concurrent jobs from now on, -1 for no limit, and informs the broker.
///
/// Returns PIGATO_E_ARGUMENT for 0 and for numbers below -1, and PIGATO_C_CLOSED if the worker has
/// stopped.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_set_concurrency(
    worker: *const pigato_worker,
    concurrency: i64,
) -> pigato_status {
    guarded(|| {
        let parsed = Concurrency::from_number(concurrency).ok_or_else(|| {
            Error::new(ErrorCode::Argument, format!("`concurrency` is {concurrency}; it must be 1 or more, or -1"))
        })?;
        reference(worker, "worker")?.0.set_concurrency(parsed)
    })
}

/// Sends the broker a heartbeat now. The library does so by itself once per heartbeat interval,
/// however busy your threads are.
///
/// Returns PIGATO_C_CLOSED if the worker has stopped.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_heartbeat(worker: *const pigato_worker) -> pigato_status {
    guarded(|| reference(worker, "worker")?.0.heartbeat())
}

/// Returns a descriptor that is readable while events are queued; see "Polling" at the top. It is
/// valid until the worker is freed.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_fd(worker: *const pigato_worker, descriptor: *mut c_int) -> pigato_status {
    handle::fd(worker, descriptor)
}

/// Returns up to `capacity` events and their number; see "Polling" at the top. Blocks for
/// `timeout_ms` at most: 0 does not wait, a negative number waits forever. Free the events with
/// pigato_worker_events_free().
///
/// Returns PIGATO_C_CLOSED once PIGATO_EVENT_STOPPED has been returned, and PIGATO_E_ARGUMENT for a
/// `capacity` of 0.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_poll(
    worker: *const pigato_worker,
    events: *mut pigato_worker_event,
    capacity: usize,
    timeout_ms: i64,
    count: *mut usize,
) -> pigato_status {
    handle::poll(worker, events, capacity, timeout_ms, count)
}

/// Holds back the following commands of this worker, as pigato_client_cork() does for a client.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_cork(worker: *const pigato_worker) -> pigato_status {
    handle::cork(worker)
}

/// Ends a cork and sends the batch. Does nothing if the worker is not corked.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_uncork(worker: *const pigato_worker) -> pigato_status {
    handle::uncork(worker)
}

/// Frees what `count` events own; the array stays yours. Freeing an event again, or freeing NULL,
/// does nothing.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_events_free(events: *mut pigato_worker_event, count: usize) {
    guarded_quietly(|| free_all(events, count));
}

/// Stops a worker once its jobs have ended, after `timeout_ms` milliseconds at the latest: 0 stops
/// at once, a negative number sets no limit. The broker sends new requests to other workers
/// meanwhile. PIGATO_EVENT_STOPPED follows.
///
/// Returns PIGATO_C_CLOSED if the worker has already stopped.
#[no_mangle]
pub unsafe extern "C" fn pigato_worker_stop(worker: *const pigato_worker, timeout_ms: i64) -> pigato_status {
    guarded(|| reference(worker, "worker")?.0.stop(duration(timeout_ms)))
}
