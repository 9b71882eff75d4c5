//! A broker of the binding core.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use super::pull;
use crate::broker::{Event, Persistence, StoredRequest};
use crate::config::BrokerOptions;
use crate::endpoint::{broker_getters, open_broker, BoundBroker, BrokerCommand};
use crate::error::{Error, ErrorCode};
use crate::limits;
use crate::reactor::{Engine, EventQueue, EventSink};

/// A broker on the I/O thread. Dropping it stops it at once.
#[derive(Debug)]
pub struct Broker {
    bound: BoundBroker,
    queue: EventQueue<Event>,
    missed: Arc<AtomicU64>,
    /// Bytes of the durable requests in the queue.
    stored_bytes: Arc<AtomicUsize>,
}

/// Queues events as long as there is room and drops others: the broker works on even if nothing polls its events. Events of
/// durable requests are always queued; when too many wait, the broker accepts no more durable requests.
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
    /// Starts a broker that listens on all of `endpoints`.
    ///
    /// # Errors
    ///
    /// `E_ENDPOINT` if an endpoint cannot be bound; then none is left bound. `E_SYSTEM` if the system has no threads or sockets
    /// left.
    pub fn start(endpoints: &[String], options: BrokerOptions) -> Result<Self, Error> {
        Self::start_with(endpoints, options, Persistence::Off)
    }

    /// As [`Broker::start`], for a caller that stores requests with `persist`. The events [`Event::Stored`] and [`Event::Removed`]
    /// say which, and are never dropped. When more of them wait than [`limits::EVENTS`] or [`limits::STORED_BYTES`], the broker refuses new
    /// requests with `persist` (`B_QUEUE_FULL`). The broker listens at once, but reads no message before [`Broker::restore`].
    ///
    /// # Errors
    ///
    /// As for [`Broker::start`].
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

    broker_getters!();

    /// Checks that this is the process that created the handle.
    ///
    /// # Errors
    ///
    /// `E_FORK` in a forked child.
    pub fn refuse_fork(&self) -> Result<(), Error> {
        if self.bound.handle.is_inherited() {
            return Err(ErrorCode::Fork.into());
        }
        Ok(())
    }

    /// Calls `wake` whenever the queue of events stops being empty: for event loops that watch no descriptors. It runs on the I/O
    /// thread and must not block.
    pub fn on_ready(&self, wake: impl Fn() + Send + Sync + 'static) {
        if !self.bound.handle.is_inherited() {
            self.queue.on_ready(wake);
        }
    }

    /// A descriptor that is readable while there are events. Wait for it; never read from it.
    #[must_use]
    pub fn descriptor(&self) -> RawFd {
        self.queue.descriptor()
    }

    /// Moves up to `most` events to `into`, and waits up to `timeout` for the first. Returns their number. Several threads may poll at
    /// once; each gets different events.
    ///
    /// # Errors
    ///
    /// `C_CLOSED` when no event can follow, `E_FORK` in a forked child.
    ///
    /// # Blocking
    ///
    /// Blocks the calling thread for at most `timeout`.
    pub fn poll(&self, into: &mut Vec<Event>, most: usize, timeout: Duration) -> Result<usize, Error> {
        let before = into.len();
        let count = pull(&self.bound.handle, &self.queue, into, most, timeout, |event| *event == Event::Drained)?;
        self.stored_bytes.fetch_sub(stored_bytes(&into[before..]), Ordering::Relaxed);
        Ok(count)
    }

    /// The number of events that were dropped because the queue was full.
    #[must_use]
    pub fn missed_events(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Returns the stored requests of the previous run, with the time that each has left. An empty list is valid and needed on the
    /// first run: a broker started with [`Broker::start_persistent`] serves no request before this call.
    ///
    /// # Errors
    ///
    /// `C_CLOSED` after the broker has stopped.
    pub fn restore(&self, requests: Vec<StoredRequest>) -> Result<(), Error> {
        self.bound.handle.submit_urgent(BrokerCommand::Restore(requests))
    }

    /// Finishes accepted requests for at most `timeout`, refuses new ones with `B_DRAINING`, then stops. Ends with
    /// [`Event::Drained`].
    ///
    /// # Errors
    ///
    /// `C_CLOSED` after the broker has stopped.
    pub fn stop(&self, timeout: Duration) -> Result<(), Error> {
        self.bound.handle.submit_urgent(BrokerCommand::Drain(timeout))
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // The only possible error is that it has stopped.
        let _ = self.stop(Duration::ZERO);
    }
}
