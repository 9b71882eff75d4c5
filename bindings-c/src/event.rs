//! What all events have in common.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::time::Duration;

use pigato::{Error, ErrorCode, Reply, Request, RequestError};

use crate::arguments::{duration, out, pigato_bytes};

/// What an event tells.
pub type pigato_event_kind = i32;

/// Of clients and workers: the broker has answered on a new connection.
pub const PIGATO_EVENT_CONNECTED: pigato_event_kind = 1;
/// Of clients and workers: the connection is gone. Unless the handle was stopped another one is being made.
pub const PIGATO_EVENT_DISCONNECTED: pigato_event_kind = 2;
/// Of all: the handle has stopped, and what it sent has left. Nothing follows, and its _poll function gives `PIGATO_C_CLOSED` from now on.
pub const PIGATO_EVENT_STOPPED: pigato_event_kind = 3;
/// Of all: somebody sent something that breaks the protocol. It was ignored.
pub const PIGATO_EVENT_PROTOCOL_ERROR: pigato_event_kind = 4;
/// Of clients: a reply, partial or final.
pub const PIGATO_EVENT_REPLY: pigato_event_kind = 5;
/// Of clients: an error. It ends its request, unless a worker sent it as a partial reply.
pub const PIGATO_EVENT_FAILED: pigato_event_kind = 6;
/// Of workers: a request to answer.
pub const PIGATO_EVENT_REQUEST: pigato_event_kind = 7;
/// Of workers: nobody waits for the reply to a request any more. Replies to it give `PIGATO_C_CLOSED`.
pub const PIGATO_EVENT_CANCELLED: pigato_event_kind = 8;
/// Of workers: the client of a request still waits for the reply.
pub const PIGATO_EVENT_HEARTBEAT: pigato_event_kind = 9;
/// Of workers: a partial reply that was refused with `PIGATO_C_BUSY` may be sent now.
pub const PIGATO_EVENT_WRITABLE: pigato_event_kind = 10;
/// Of brokers: a worker offers a service.
pub const PIGATO_EVENT_WORKER_JOINED: pigato_event_kind = 11;
/// Of brokers: a worker is gone.
pub const PIGATO_EVENT_WORKER_LEFT: pigato_event_kind = 12;
/// Of brokers: a client is gone; its requests were cancelled.
pub const PIGATO_EVENT_CLIENT_LEFT: pigato_event_kind = 13;

/// How data is to be read.
pub type pigato_codec = i32;

/// As UTF-8 JSON. Empty, or the word `undefined`, is what published peers send for nothing.
pub const PIGATO_CODEC_JSON: pigato_codec = 0;
/// As bytes.
pub const PIGATO_CODEC_RAW: pigato_codec = 1;

pub(crate) fn codec(codec: pigato::Codec) -> pigato_codec {
    match codec {
        pigato::Codec::Json => PIGATO_CODEC_JSON,
        pigato::Codec::Raw => PIGATO_CODEC_RAW,
    }
}

/// What an event's pointers point into. It must not move while they are used, hence the box.
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

/// An event, as far as freeing it is concerned.
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

/// How a peer broke the protocol, as text that is valid for ever.
pub(crate) fn protocol_error(malformed: pigato::protocol::Malformed) -> pigato_bytes {
    pigato_bytes::of(malformed.published_name().as_bytes())
}

/// Most events that one _poll call takes; a larger capacity is of no use, and fewer events than that do not mean that no more
/// are there. A program that took all that have come, and answered
/// when it had dealt with the last one, would be idle while the others are at work, and they while it is.
pub const PIGATO_EVENTS_PER_POLL: usize = 24;

/// Where polled events go.
pub(crate) struct Target<E> {
    events: NonNull<E>,
    capacity: usize,
    count: NonNull<usize>,
}

impl<E> Target<E> {
    pub(crate) fn new(events: *mut E, capacity: usize, count: *mut usize) -> Result<Self, Error> {
        if capacity == 0 {
            return Err(Error::new(ErrorCode::Argument, "`capacity` is 0: there is no place for an event"));
        }
        let capacity = capacity.min(PIGATO_EVENTS_PER_POLL);
        Ok(Self { events: out(events, "events")?, capacity, count: out(count, "count")? })
    }

    /// Pulls events and writes them, and how many there are.
    pub(crate) unsafe fn poll<P>(
        self,
        timeout_ms: i64,
        pull: impl FnOnce(&mut Vec<P>, usize, Duration) -> Result<usize, Error>,
        convert: impl Fn(P) -> E,
    ) -> Result<(), Error> {
        let mut pulled = Vec::new();
        pull(&mut pulled, self.capacity, duration(timeout_ms))?;
        let count = pulled.len();
        for (at, event) in pulled.into_iter().enumerate() {
            self.events.add(at).write(convert(event));
        }
        self.count.write(count);
        Ok(())
    }
}
