//! The client.

use std::ffi::{c_char, c_int, c_void};

use pigato::binding::{Client, ClientEvent, Grant};
use pigato::protocol::Frame;
use pigato::{Error, ErrorCode, PeerEvent, RequestError};

use crate::arguments::{bytes, give, out, pigato_bytes, reference, release, text};
use crate::event::{
    codec, free_all, pigato_codec, pigato_event_kind, protocol_error, Owner, Storage, Target, PIGATO_CODEC_JSON,
    PIGATO_EVENT_CONNECTED, PIGATO_EVENT_DISCONNECTED, PIGATO_EVENT_FAILED, PIGATO_EVENT_PROTOCOL_ERROR,
    PIGATO_EVENT_REPLY, PIGATO_EVENT_STOPPED,
};
use crate::options::{client_options, pigato_options, request_options};
use crate::status::{guarded, guarded_quietly, pigato_status, PIGATO_OK, PIGATO_REMOTE_ERROR};

/// A client: makes requests.
pub struct pigato_client(Client);

/// When a partial reply counts as read, so that the worker may send another. A worker may be ahead of its client by
/// about a thousand of them.
pub type pigato_grant = i32;

/// As soon as `pigato_client_poll` hands it out: for programs that deal with events as they come.
pub const PIGATO_GRANT_AS_POLLED: pigato_grant = 0;
/// When `pigato_client_consumed` says so: for programs that keep a queue for each request, so that one that is read
/// slowly holds up no other.
pub const PIGATO_GRANT_AS_CONSUMED: pigato_grant = 1;

/// How many partial replies to one request a program with queues should let wait for their reader, at the most. Workers
/// stop long before, but published ones, which know no back-pressure: a request whose queue is full is to be cancelled.
pub const PIGATO_UNREAD_PARTIALS: usize = 1048576;

/// How many bytes of them. One alone may be larger.
pub const PIGATO_UNREAD_BYTES: usize = 268435456;

// Written out above, because the header takes nothing else.
const _: () = {
    assert!(PIGATO_UNREAD_PARTIALS == pigato::limits::UNREAD_PARTIALS);
    assert!(PIGATO_UNREAD_BYTES == pigato::limits::UNREAD_BYTES);
};

/// Where an error comes from.
pub type pigato_origin = i32;

/// From this side: timeout, cancellation, lost connection, stop.
pub const PIGATO_ORIGIN_LOCAL: pigato_origin = 0;
/// From the worker that had the request.
pub const PIGATO_ORIGIN_WORKER: pigato_origin = 1;
/// From the broker: no worker answered.
pub const PIGATO_ORIGIN_BROKER: pigato_origin = 2;

/// Something that a client tells. Each request that was made ends in exactly one event with `is_final`, a
/// `PIGATO_EVENT_REPLY` or a `PIGATO_EVENT_FAILED`; before it come any number of partial replies, in order.
#[repr(C)]
pub struct pigato_client_event {
    /// What it tells.
    pub kind: pigato_event_kind,
    /// Of `FAILED`: the code, `PIGATO_REMOTE_ERROR` for an error value of the service's own. Otherwise `PIGATO_OK`.
    pub status: pigato_status,
    /// Of `REPLY` and `FAILED`: the request, as `pigato_client_request` called it.
    pub request: u64,
    /// Of `REPLY` and `FAILED`: whether it ends the request.
    pub is_final: bool,
    /// Of `REPLY`: how the data is to be read.
    pub codec: pigato_codec,
    /// Of `FAILED`: where the error comes from.
    pub origin: pigato_origin,
    /// Of `REPLY`: the data. Of `FAILED` from a worker or the broker: the error value, JSON.
    pub data: pigato_bytes,
    /// The options that came with it: JSON, or empty.
    pub options: pigato_bytes,
    /// Of `FAILED` and `PROTOCOL_ERROR`: what happened, for people.
    pub message: pigato_bytes,
    /// Not for you: what the pointers above point into.
    pub storage: *mut c_void,
}

impl Owner for pigato_client_event {
    fn storage(&mut self) -> &mut *mut c_void {
        &mut self.storage
    }
}

impl pigato_client_event {
    fn of(event: ClientEvent) -> Self {
        match event {
            ClientEvent::Peer(event) => Self::about_peer(event),
            ClientEvent::Reply { token, reply } => Self::replied(token, reply),
            ClientEvent::Failed { token, error } => Self::failed(token, error),
        }
    }

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

    fn about_peer(event: PeerEvent) -> Self {
        match event {
            PeerEvent::Disconnected => Self::bare(PIGATO_EVENT_DISCONNECTED),
            PeerEvent::Stopped => Self::bare(PIGATO_EVENT_STOPPED),
            PeerEvent::ProtocolError(malformed) => {
                Self { message: protocol_error(malformed), ..Self::bare(PIGATO_EVENT_PROTOCOL_ERROR) }
            }
            _ => Self::bare(PIGATO_EVENT_CONNECTED),
        }
    }

    fn replied(request: u64, reply: pigato::Reply) -> Self {
        let storage = Box::new(Storage::Reply(reply));
        let Storage::Reply(reply) = &*storage else { unreachable!("it was just put there") };
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
        let Storage::Error { error, message } = &*storage else { unreachable!("it was just put there") };
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

/// Starts a client for the broker at `endpoint` (`tcp://127.0.0.1:55555`). A broker that is not there yet is no error:
/// requests made until then are sent when it is. `PIGATO_E_ENDPOINT` for an endpoint that cannot be used.
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
            _ => return Err(Error::new(ErrorCode::Argument, format!("{grant} is no way to grant"))),
        };
        let started = Client::start(text(endpoint, endpoint_length, "endpoint")?, client_options(options)?, grant)?;
        give(place, pigato_client(started))
    })
}

/// Stops a client at once and frees it; what is unanswered ends without an event. No other call with this client may be
/// under way, nor follow. Does nothing with NULL.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_free(client: *mut pigato_client) {
    guarded_quietly(|| release(client));
}

/// Makes a request and tells what events call it: a number above 0 that is never used again. The data is JSON, which
/// is not checked (a text needs its quotes), or any bytes if the options say `codec` `"raw"`. `PIGATO_C_BUSY` when too much waits to be sent, `PIGATO_C_CLOSED` after a stop,
/// `PIGATO_E_OPTION` for a service name that is empty or longer than 255 bytes.
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
        let token = reference(client, "client")?.0.request(service, data, request_options(options)?)?;
        place.write(token);
        Ok(())
    })
}

/// Ends a request with `PIGATO_C_CANCELLED`; its worker is told. Does nothing to one that has ended.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_cancel(client: *const pigato_client, request: u64) -> pigato_status {
    guarded(|| reference(client, "client")?.0.cancel(request))
}

/// Tells the worker that the reply is still wanted. Happens by itself once a heartbeat interval.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_heartbeat(client: *const pigato_client, request: u64) -> pigato_status {
    guarded(|| reference(client, "client")?.0.heartbeat(request))
}

/// Says that this many more partial replies to a request were dealt with. More than
/// were handed out do not count. `PIGATO_E_ARGUMENT` with `PIGATO_GRANT_AS_POLLED`.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_consumed(
    client: *const pigato_client,
    request: u64,
    partials: u32,
) -> pigato_status {
    guarded(|| reference(client, "client")?.0.consumed(request, partials))
}

/// A descriptor that is readable while there are events, and from the end of the handle on, for poll, epoll, libuv and the
/// like. Never read from it or close it. Valid until the client is freed.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_fd(client: *const pigato_client, descriptor: *mut c_int) -> pigato_status {
    guarded(|| {
        let client = &reference(client, "client")?.0;
        client.refuse_fork()?;
        out(descriptor, "descriptor")?.write(client.descriptor());
        Ok(())
    })
}

/// Takes up to `capacity` events, the oldest first, and no more than `PIGATO_EVENTS_PER_POLL`; `count` tells how many. Waits for the first up to `timeout_ms`: not
/// at all with 0, without end below that. If none comes in time that is `PIGATO_OK` with a `count` of 0. Several threads may poll at once, each gets events of its own. The events are
/// freed with `pigato_client_events_free`. `PIGATO_C_CLOSED` once nothing can follow.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_poll(
    client: *const pigato_client,
    events: *mut pigato_client_event,
    capacity: usize,
    timeout_ms: i64,
    count: *mut usize,
) -> pigato_status {
    guarded(|| {
        let target = Target::new(events, capacity, count)?;
        let client = &reference(client, "client")?.0;
        target.poll(timeout_ms, |into, most, timeout| client.poll(into, most, timeout), pigato_client_event::of)
    })
}

/// Has what this client is given from now on wait for each other, so that its I/O thread is woken once for all of it: for
/// programs that deal with the events of one poll on several threads. Nothing waits for more than about a millisecond, unless
/// the connection has no room. Corked twice is corked once, and one thread's uncorking ends another's cork. Left corked, the
/// I/O thread wakes up each millisecond.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_cork(client: *const pigato_client) -> pigato_status {
    guarded(|| {
        let client = &reference(client, "client")?.0;
        client.refuse_fork()?;
        client.cork();
        Ok(())
    })
}

/// Ends what `pigato_client_cork` began, and sends what has waited.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_uncork(client: *const pigato_client) -> pigato_status {
    guarded(|| {
        let client = &reference(client, "client")?.0;
        client.refuse_fork()?;
        client.uncork();
        Ok(())
    })
}

/// Frees what events own. The array itself is the caller's. Freeing an event again does nothing.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_events_free(events: *mut pigato_client_event, count: usize) {
    guarded_quietly(|| free_all(events, count));
}

/// Stops a client: all unanswered requests end with `PIGATO_C_CLOSED`, then comes `PIGATO_EVENT_STOPPED`.
/// `PIGATO_C_CLOSED` if it has stopped already.
#[no_mangle]
pub unsafe extern "C" fn pigato_client_stop(client: *const pigato_client) -> pigato_status {
    guarded(|| reference(client, "client")?.0.stop())
}
