//! Clients.

use std::ffi::{c_char, c_int, c_void};

use pigato::binding::{Client, ClientEvent, Grant};
use pigato::protocol::Frame;
use pigato::{Error, ErrorCode, RequestError};

use crate::arguments::{bytes, out, pigato_bytes, reference, text, write_handle};
use crate::event::{
    codec, free_all, peer_event, pigato_codec, pigato_event_kind, Owner, Storage, PIGATO_CODEC_JSON,
    PIGATO_EVENT_FAILED, PIGATO_EVENT_REPLY,
};
use crate::handle::{self, corkable};
use crate::options::{client_options, pigato_options, request_options};
use crate::status::{guarded, guarded_quietly, pigato_status, PIGATO_OK, PIGATO_REMOTE_ERROR};

/// A client sends requests.
pub struct pigato_client(Client);

corkable!(pigato_client, "client", ClientEvent => pigato_client_event);

/// When a partial reply counts as read. A worker may send 1024 partial replies to a request ahead
/// of what the client has read.
pub type pigato_grant = i32;

/// When pigato_client_poll() returns it. For programs that process events as they arrive.
pub const PIGATO_GRANT_AS_POLLED: pigato_grant = 0;
/// When pigato_client_consumed() reports it. For programs that keep a queue per request, so that a
/// request that is read slowly does not delay the others.
pub const PIGATO_GRANT_AS_CONSUMED: pigato_grant = 1;

/// The most partial replies to one request that a program with queues should let wait for their
/// reader; cancel a request whose queue is full. Workers of the published packages, which have no
/// back-pressure, can reach this number. Others stop long before.
pub const PIGATO_UNREAD_PARTIALS: usize = 1048576;

/// The most bytes of such partial replies. A single one may be larger.
pub const PIGATO_UNREAD_BYTES: usize = 268435456;

// The values are repeated above because cbindgen exports literals only.
const _: () = {
    assert!(PIGATO_UNREAD_PARTIALS == pigato::limits::UNREAD_PARTIALS);
    assert!(PIGATO_UNREAD_BYTES == pigato::limits::UNREAD_BYTES);
};

/// The side that an error comes from.
pub type pigato_origin = i32;

/// This client: timeout, cancellation, lost connection, stop.
pub const PIGATO_ORIGIN_LOCAL: pigato_origin = 0;
/// The worker that had the request.
pub const PIGATO_ORIGIN_WORKER: pigato_origin = 1;
/// The broker; no worker answered.
pub const PIGATO_ORIGIN_BROKER: pigato_origin = 2;

/// An event of a client. Every request ends with exactly one event whose `is_final` is true, either
/// PIGATO_EVENT_REPLY or PIGATO_EVENT_FAILED. Any number of partial replies precede it, in order.
#[repr(C)]
pub struct pigato_client_event {
    /// The kind, which decides which of the following members are set. Kinds are named without
    /// PIGATO_EVENT_ below.
    pub kind: pigato_event_kind,
    /// FAILED: the error's status, PIGATO_REMOTE_ERROR for an error value of the service. Other
    /// kinds: PIGATO_OK.
    pub status: pigato_status,
    /// REPLY, FAILED: the request number.
    pub request: u64,
    /// REPLY, FAILED: whether the event ends its request.
    pub is_final: bool,
    /// REPLY: the encoding of `data`.
    pub codec: pigato_codec,
    /// FAILED: the side that the error comes from.
    pub origin: pigato_origin,
    /// REPLY: the data. FAILED from a worker or the broker: the error value as JSON.
    pub data: pigato_bytes,
    /// REPLY, FAILED: the options that the sender attached, a JSON object or empty.
    pub options: pigato_bytes,
    /// FAILED, PROTOCOL_ERROR: a description for people.
    pub message: pigato_bytes,
    /// Internal: owns what the pointers above point to.
    pub storage: *mut c_void,
}

impl Owner for pigato_client_event {
    fn storage(&mut self) -> &mut *mut c_void {
        &mut self.storage
    }
}

impl From<ClientEvent> for pigato_client_event {
    fn from(event: ClientEvent) -> Self {
        match event {
            ClientEvent::Peer(event) => {
                let (kind, message) = peer_event(event);
                Self { message, ..Self::bare(kind) }
            }
            ClientEvent::Reply { number, reply } => Self::replied(number, reply),
            ClientEvent::Failed { number, error } => Self::failed(number, error),
        }
    }
}

impl pigato_client_event {
    fn bare(kind: pigato_event_kind) -> Self {
        Self {
            kind,
            status: PIGATO_OK,
            request: 0,
            is_final: false,
            codec: PIGATO_CODEC_JSON,
            origin: PIGATO_ORIGIN_LOCAL,
            data: pigato_bytes::EMPTY,
            options: pigato_bytes::EMPTY,
            message: pigato_bytes::EMPTY,
            storage: std::ptr::null_mut(),
        }
    }

    fn replied(request: u64, reply: pigato::Reply) -> Self {
        let storage = Box::new(Storage::Reply(reply));
        let Storage::Reply(reply) = &*storage else { unreachable!("stored above") };
        Self {
            request,
            is_final: reply.is_final(),
            codec: codec(reply.codec()),
            data: pigato_bytes::of(reply.bytes()),
            options: pigato_bytes::of(reply.options_bytes()),
            storage: storage.into_raw(),
            ..Self::bare(PIGATO_EVENT_REPLY)
        }
    }

    fn failed(request: u64, error: RequestError) -> Self {
        let message = error.to_string();
        let storage = Box::new(Storage::Error { error, message });
        let Storage::Error { error, message } = &*storage else { unreachable!("stored above") };
        let (origin, data, options) = match error {
            RequestError::Remote(error) => {
                let origin = if error.is_from_broker() { PIGATO_ORIGIN_BROKER } else { PIGATO_ORIGIN_WORKER };
                (origin, pigato_bytes::of(error.bytes()), pigato_bytes::of(error.options_bytes()))
            }
            _ => (PIGATO_ORIGIN_LOCAL, pigato_bytes::EMPTY, pigato_bytes::EMPTY),
        };
        Self {
            status: error.code().map_or(PIGATO_REMOTE_ERROR, ErrorCode::number),
            request,
            is_final: error.is_final(),
            origin,
            data,
            options,
            message: pigato_bytes::of(message.as_bytes()),
            storage: storage.into_raw(),
            ..Self::bare(PIGATO_EVENT_FAILED)
        }
    }
}

/// Starts a client of the broker at `endpoint`, such as tcp://127.0.0.1:55555. Does not wait for
/// the connection: requests made before the broker is reachable are sent when it is. `options` are
/// of kind PIGATO_OPTIONS_CLIENT or NULL. `grant` is PIGATO_GRANT_AS_POLLED for most programs. Free
/// the client with pigato_client_free().
///
/// Returns PIGATO_E_ENDPOINT if the endpoint cannot be used.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_start(
    endpoint: *const c_char,
    endpoint_length: usize,
    options: *const pigato_options,
    grant: pigato_grant,
    client: *mut *mut pigato_client,
) -> pigato_status {
    guarded(|| {
        let place = out(client, "client")?;
        let grant = match grant {
            PIGATO_GRANT_AS_POLLED => Grant::AsPolled,
            PIGATO_GRANT_AS_CONSUMED => Grant::AsConsumed,
            _ => return Err(Error::new(ErrorCode::Argument, format!("{grant} is not a pigato_grant"))),
        };
        let started = Client::start(text(endpoint, endpoint_length, "endpoint")?, client_options(options)?, grant)?;
        write_handle(place, pigato_client(started))
    })
}

/// Stops a client at once and frees it. Its pending requests end without an event. No other call
/// with this client may be running or follow. Does nothing for NULL.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_free(client: *mut pigato_client) {
    handle::free(client);
}

/// Sends a request to `service` and returns its request number: above 0, and unique for this
/// client. Events carry it. `options` are of kind PIGATO_OPTIONS_REQUEST or NULL.
///
/// `data` is JSON, which is not checked: a text needs its quotes. With the option codec "raw" it is
/// any bytes. A service name has 1 to 255 bytes.
///
/// A request beyond the client's maxRequests or maxRequestBytes is accepted here and ends with an
/// event whose status is PIGATO_C_BUSY.
///
/// Returns PIGATO_C_BUSY if too many calls wait for the I/O thread, PIGATO_C_CLOSED if the client
/// has stopped, and PIGATO_E_OPTION if the service name is empty or too long.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_request(
    client: *const pigato_client,
    service: *const c_char,
    service_length: usize,
    data: *const c_char,
    data_length: usize,
    options: *const pigato_options,
    request: *mut u64,
) -> pigato_status {
    guarded(|| {
        let place = out(request, "request")?;
        let service = Frame::from(bytes(service, service_length, "service")?);
        let data = Frame::from(bytes(data, data_length, "data")?);
        let number = reference(client, "client")?.0.request(service, data, request_options(options)?)?;
        place.write(number);
        Ok(())
    })
}

/// Cancels a request: it ends with PIGATO_C_CANCELLED, and its worker is informed. Does nothing if
/// the request has ended.
///
/// Returns PIGATO_C_CLOSED if the client has stopped.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_cancel(client: *const pigato_client, request: u64) -> pigato_status {
    guarded(|| reference(client, "client")?.0.cancel(request))
}

/// Informs the worker now that the reply to a request is still wanted. The library does so by
/// itself once per heartbeat interval.
///
/// Returns PIGATO_C_CLOSED if the client has stopped.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_heartbeat(client: *const pigato_client, request: u64) -> pigato_status {
    guarded(|| reference(client, "client")?.0.heartbeat(request))
}

/// Reports that `partials` more partial replies to a request have been read, so that the worker may
/// send more. Of a number above the replies that were polled, only those count. Only for clients
/// started with PIGATO_GRANT_AS_CONSUMED.
///
/// Returns PIGATO_E_ARGUMENT for a client started with PIGATO_GRANT_AS_POLLED.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_consumed(
    client: *const pigato_client,
    request: u64,
    partials: u32,
) -> pigato_status {
    guarded(|| reference(client, "client")?.0.consumed(request, partials))
}

/// Returns a descriptor that is readable while events are queued; see "Polling" at the top. It is
/// valid until the client is freed.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_fd(client: *const pigato_client, descriptor: *mut c_int) -> pigato_status {
    handle::fd(client, descriptor)
}

/// Returns up to `capacity` events and their number; see "Polling" at the top. Blocks for
/// `timeout_ms` at most: 0 does not wait, a negative number waits forever. Free the events with
/// pigato_client_events_free().
///
/// Returns PIGATO_C_CLOSED once PIGATO_EVENT_STOPPED has been returned, and PIGATO_E_ARGUMENT for a
/// `capacity` of 0.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_poll(
    client: *const pigato_client,
    events: *mut pigato_client_event,
    capacity: usize,
    timeout_ms: i64,
    count: *mut usize,
) -> pigato_status {
    handle::poll(client, events, capacity, timeout_ms, count)
}

/// Holds back the following commands of this client, so that one wake-up of the I/O thread carries
/// a batch of them. Useful when several threads process the events of one poll.
///
/// A command is held back for about 1 ms at most, or longer if the connection has no room. Corks do
/// not nest: the first uncork ends all. A client left corked wakes the I/O thread every
/// millisecond.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_cork(client: *const pigato_client) -> pigato_status {
    handle::cork(client)
}

/// Ends a cork and sends the batch. Does nothing if the client is not corked.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_uncork(client: *const pigato_client) -> pigato_status {
    handle::uncork(client)
}

/// Frees what `count` events own; the array stays yours. Freeing an event again, or freeing NULL,
/// does nothing.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_events_free(events: *mut pigato_client_event, count: usize) {
    guarded_quietly(|| free_all(events, count));
}

/// Stops a client. Its pending requests end with PIGATO_C_CLOSED, then PIGATO_EVENT_STOPPED
/// follows.
///
/// Returns PIGATO_C_CLOSED if the client has already stopped.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_stop(client: *const pigato_client) -> pigato_status {
    guarded(|| reference(client, "client")?.0.stop())
}
