//! A broker whose events are pulled.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::pull;
use crate::broker::{Event, Persistence, Statistics, StoredRequest};
use crate::config::BrokerOptions;
use crate::endpoint::{open_broker, BoundBroker, BrokerCommand};
use crate::error::{Error, ErrorCode};
use crate::limits;
use crate::reactor::{Engine, EventQueue, EventSink};

/// A broker on the I/O thread. Dropping it stops it at once.
#[derive(Debug)]
pub struct Broker {
    bound: BoundBroker,
    queue: EventQueue<Event>,
    missed: Arc<AtomicU64>,
    /// Bytes of the stored requests in the queue.
    stored_bytes: Arc<AtomicUsize>,
}

/// Keeps what its queue has room for: a broker works on, whether anybody looks at its events or not. What is to be kept for a
/// later life finds room always; where it is too much, the broker is told so and makes no more of it.
struct Sink {
    queue: EventQueue<Event>,
    missed: Arc<AtomicU64>,
    stored_bytes: Arc<AtomicUsize>,
}

fn may_be_missed(event: &Event) -> bool {
    !matches!(event, Event::Drained | Event::Stored(_) | Event::Removed { .. })
}

fn stored_bytes(events: &[Event]) -> usize {
    let bytes = |event: &Event| match event {
        Event::Stored(request) => {
            let extra: usize = request.extra.iter().map(|frame| frame.len()).sum();
            request.data.len() + request.options.len() + extra
        }
        _ => 0,
    };
    events.iter().map(bytes).sum()
}

impl EventSink<Event> for Sink {
    fn deliver(&mut self, events: &mut Vec<Event>) {
        if self.queue.is_full() {
            let before = events.len();
            events.retain(|event| !may_be_missed(event));
            self.missed.fetch_add((before - events.len()) as u64, Ordering::Relaxed);
        }
        self.stored_bytes.fetch_add(stored_bytes(events), Ordering::Relaxed);
        self.queue.deliver(events);
    }

    fn is_full(&self) -> bool {
        self.queue.is_full() || self.stored_bytes.load(Ordering::Relaxed) > limits::STORED_BYTES
    }
}

impl Broker {
    /// Starts a broker that listens on all of `endpoints`. `E_ENDPOINT` for one that cannot be bound, and then nothing
    /// is left.
    pub fn start(endpoints: &[String], options: BrokerOptions) -> Result<Self, Error> {
        Self::start_with(endpoints, options, Persistence::Off)
    }

    /// As [`Broker::start`], for a caller that keeps requests with `persist`: [`Event::Stored`] and [`Event::Removed`] tell which,
    /// and are never missed. Where more of them wait than may ([`limits::EVENTS`], [`limits::STORED_BYTES`]), new requests with
    /// `persist` are refused with `B_QUEUE_FULL`. The broker listens at once but reads nothing before [`Broker::restore`].
    pub fn start_persistent(endpoints: &[String], options: BrokerOptions) -> Result<Self, Error> {
        Self::start_with(endpoints, options, Persistence::On)
    }

    fn start_with(endpoints: &[String], options: BrokerOptions, persistence: Persistence) -> Result<Self, Error> {
        let queue = EventQueue::new().map_err(|error| Error::new(ErrorCode::System, error.to_string()))?;
        let missed = Arc::new(AtomicU64::new(0));
        let stored_bytes = Arc::new(AtomicUsize::new(0));
        let sink = Sink { queue: queue.clone(), missed: Arc::clone(&missed), stored_bytes: Arc::clone(&stored_bytes) };
        let bound = open_broker(&Engine::current()?, endpoints, options, persistence, Box::new(sink))?;
        Ok(Self { bound, queue, missed, stored_bytes })
    }

    /// Where it listens; the first place, if there are several.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.bound.endpoint()
    }

    /// All places where it listens, with the ports that `*` became.
    #[must_use]
    pub fn endpoints(&self) -> &[String] {
        &self.bound.endpoints
    }

    /// Where it publishes for core services.
    #[must_use]
    pub fn intch(&self) -> Option<&str> {
        self.bound.intch.as_deref()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.bound.name
    }

    /// `E_FORK` in a child of the process that started it.
    pub fn refuse_fork(&self) -> Result<(), Error> {
        if self.bound.handle.is_inherited() {
            return Err(ErrorCode::Fork.into());
        }
        Ok(())
    }

    /// Has `wake` called whenever there are events again after there were none: for event loops that watch no descriptors.
    /// It is called on the I/O thread and must not block.
    pub fn on_ready(&self, wake: impl Fn() + Send + Sync + 'static) {
        if !self.bound.handle.is_inherited() {
            self.queue.on_ready(wake);
        }
    }

    /// A descriptor that is readable while there are events. Wait for it, never read from it.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.queue.descriptor()
    }

    /// Moves up to `most` events to `into`, waiting up to `timeout` for the first. Returns how many. Several threads may
    /// poll at once; each gets events of its own. `C_CLOSED` once nothing can follow.
    pub fn poll(&self, into: &mut Vec<Event>, most: usize, timeout: Duration) -> Result<usize, Error> {
        let before = into.len();
        let count = pull(&self.bound.handle, &self.queue, into, most, timeout, |event| *event == Event::Drained)?;
        self.stored_bytes.fetch_sub(stored_bytes(&into[before..]), Ordering::Relaxed);
        Ok(count)
    }

    /// Events that nobody was told of because the queue was full.
    #[must_use]
    pub fn missed_events(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Counters since the start, and what there is now. `C_CLOSED` once it has stopped.
    pub fn statistics(&self) -> Result<Statistics, Error> {
        self.bound.statistics()
    }

    /// Which workers offer which service. `C_CLOSED` once it has stopped.
    pub fn directory(&self) -> Result<Map<String, Value>, Error> {
        self.bound.directory()
    }

    /// Takes in again what was stored in an earlier life and not removed, with the time that it has left. None is a list too: a
    /// broker that was started with [`Broker::start_persistent`] serves nobody before. `C_CLOSED` if it has stopped.
    pub fn restore(&self, requests: Vec<StoredRequest>) -> Result<(), Error> {
        self.bound.handle.submit_urgent(BrokerCommand::Restore(requests))
    }

    /// Finishes what was accepted until `timeout` has passed, and refuses the rest with `B_DRAINING`; ends with
    /// [`Event::Drained`]. `C_CLOSED` if it has stopped already.
    pub fn stop(&self, timeout: Duration) -> Result<(), Error> {
        self.bound.handle.submit_urgent(BrokerCommand::Drain(timeout))
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // The only possible error says that it has stopped.
        let _ = self.stop(Duration::ZERO);
    }
}
