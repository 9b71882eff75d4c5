//! What all events have in common: kinds, codecs, storage, and the place that a poll writes them to.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::time::Duration;

use pigato::{Error, ErrorCode, PeerEvent, Reply, Request, RequestError};

use crate::arguments::{duration, out, pigato_bytes};

/// The kind of an event.
pub type pigato_event_kind = i32;

/// Clients and workers: a connection is up and the broker has answered on it.
pub const PIGATO_EVENT_CONNECTED: pigato_event_kind = 1;
/// Clients and workers: the connection is down. Unless the handle was stopped, it reconnects.
pub const PIGATO_EVENT_DISCONNECTED: pigato_event_kind = 2;
/// All handles: the handle has stopped, and everything it sent has left. No event follows; the
/// _poll function returns PIGATO_C_CLOSED from now on.
pub const PIGATO_EVENT_STOPPED: pigato_event_kind = 3;
/// All handles: a peer sent a message that violates the protocol. The message was ignored.
pub const PIGATO_EVENT_PROTOCOL_ERROR: pigato_event_kind = 4;
/// Clients: a reply, partial or final.
pub const PIGATO_EVENT_REPLY: pigato_event_kind = 5;
/// Clients: an error. It ends its request unless a worker sent it as a partial reply.
pub const PIGATO_EVENT_FAILED: pigato_event_kind = 6;
/// Workers: a new job, that is, a request to answer.
pub const PIGATO_EVENT_REQUEST: pigato_event_kind = 7;
/// Workers: a job has ended because its reply is no longer needed. Replies to it return
/// PIGATO_C_CLOSED.
pub const PIGATO_EVENT_CANCELLED: pigato_event_kind = 8;
/// Workers: the client of a job still waits for the reply.
pub const PIGATO_EVENT_HEARTBEAT: pigato_event_kind = 9;
/// Workers: a job whose partial reply was refused with PIGATO_C_BUSY accepts partial replies again.
pub const PIGATO_EVENT_WRITABLE: pigato_event_kind = 10;
/// Brokers: a worker has registered.
pub const PIGATO_EVENT_WORKER_JOINED: pigato_event_kind = 11;
/// Brokers: a worker has left or was lost.
pub const PIGATO_EVENT_WORKER_LEFT: pigato_event_kind = 12;
/// Brokers: a client has left or was lost. Its requests were cancelled.
pub const PIGATO_EVENT_CLIENT_LEFT: pigato_event_kind = 13;

/// The encoding of data.
pub type pigato_codec = i32;

/// UTF-8 JSON. Peers of the published packages send empty data, or the word undefined, for no
/// value.
pub const PIGATO_CODEC_JSON: pigato_codec = 0;
/// Any bytes.
pub const PIGATO_CODEC_RAW: pigato_codec = 1;

pub(crate) fn codec(codec: pigato::Codec) -> pigato_codec {
    match codec {
        pigato::Codec::Json => PIGATO_CODEC_JSON,
        pigato::Codec::Raw => PIGATO_CODEC_RAW,
    }
}

/// What an event's pointers point into. It is boxed because it must not move while they are in use.
pub(crate) enum Storage {
    Reply(Reply),
    Error { error: RequestError, message: String },
    Request(Request),
    Broker(pigato::broker::Event),
}

impl Storage {
    pub(crate) fn into_raw(self: Box<Self>) -> *mut c_void {
        Box::into_raw(self).cast()
    }
}

/// An event that owns storage.
pub(crate) trait Owner {
    fn storage(&mut self) -> &mut *mut c_void;
}

/// Frees what `count` events own.
pub(crate) unsafe fn free_all<E: Owner>(events: *mut E, count: usize) {
    if events.is_null() {
        return;
    }
    for event in std::slice::from_raw_parts_mut(events, count) {
        let storage = std::mem::replace(event.storage(), std::ptr::null_mut());
        if !storage.is_null() {
            drop(Box::from_raw(storage.cast::<Storage>()));
        }
    }
}

/// The kind and the message of an event about the connection. The message is valid forever.
pub(crate) fn peer_event(event: PeerEvent) -> (pigato_event_kind, pigato_bytes) {
    let kind = match event {
        PeerEvent::Disconnected => PIGATO_EVENT_DISCONNECTED,
        PeerEvent::Stopped => PIGATO_EVENT_STOPPED,
        PeerEvent::ProtocolError(malformed) => {
            return (PIGATO_EVENT_PROTOCOL_ERROR, pigato_bytes::of(malformed.published_name().as_bytes()));
        }
        _ => PIGATO_EVENT_CONNECTED,
    };
    (kind, pigato_bytes::EMPTY)
}

/// The most events that one _poll call returns. A program that drained all events before it
/// answered the first would work only while its peers wait, and wait while they work.
pub const PIGATO_EVENTS_PER_POLL: usize = 24;

/// The place that polled events are written to.
pub(crate) struct Target<E> {
    events: NonNull<E>,
    capacity: usize,
    count: NonNull<usize>,
}

impl<E> Target<E> {
    pub(crate) fn new(events: *mut E, capacity: usize, count: *mut usize) -> Result<Self, Error> {
        if capacity == 0 {
            return Err(Error::new(ErrorCode::Argument, "`capacity` is 0; it must be at least 1"));
        }
        let capacity = capacity.min(PIGATO_EVENTS_PER_POLL);
        Ok(Self { events: out(events, "events")?, capacity, count: out(count, "count")? })
    }

    /// Takes events from the core and writes them and their number.
    pub(crate) unsafe fn poll<C>(
        self,
        timeout_ms: i64,
        take: impl FnOnce(&mut Vec<C>, usize, Duration) -> Result<usize, Error>,
    ) -> Result<(), Error>
    where
        E: From<C>,
    {
        let mut taken = Vec::new();
        take(&mut taken, self.capacity, duration(timeout_ms))?;
        let count = taken.len();
        for (at, event) in taken.into_iter().enumerate() {
            self.events.add(at).write(event.into());
        }
        self.count.write(count);
        Ok(())
    }
}
