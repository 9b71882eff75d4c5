//! A broker whose events are pulled.

use std::os::fd::RawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::pull;
use crate::broker::{Event, Statistics};
use crate::config::BrokerOptions;
use crate::driver::{open_broker, BoundBroker, BrokerCommand, Engine, EventQueue, EventSink};
use crate::error::{Error, ErrorCode};

/// A broker on the I/O thread. Dropping it stops it at once.
#[derive(Debug)]
pub struct Broker {
    bound: BoundBroker,
    queue: EventQueue<Event>,
    missed: Arc<AtomicU64>,
}

/// Keeps what its queue has room for: a broker works on, whether anybody looks at its events or not.
struct Sink {
    queue: EventQueue<Event>,
    missed: Arc<AtomicU64>,
}

impl EventSink<Event> for Sink {
    fn deliver(&mut self, events: &mut Vec<Event>) {
        if self.queue.is_full() {
            let before = events.len();
            events.retain(|event| *event == Event::Drained);
            self.missed.fetch_add((before - events.len()) as u64, Ordering::Relaxed);
        }
        self.queue.deliver(events);
    }
}

impl Broker {
    /// Starts a broker that listens on all of `endpoints`. `E_ENDPOINT` for one that cannot be bound, and then nothing
    /// is left.
    pub fn start(endpoints: &[String], options: BrokerOptions) -> Result<Self, Error> {
        let queue = EventQueue::new().map_err(|error| Error::new(ErrorCode::System, error.to_string()))?;
        let missed = Arc::new(AtomicU64::new(0));
        let sink = Sink { queue: queue.clone(), missed: Arc::clone(&missed) };
        let bound = open_broker(&Engine::current()?, endpoints, options, Box::new(sink))?;
        Ok(Self { bound, queue, missed })
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
        pull(&self.bound.handle, &self.queue, into, most, timeout, |event| *event == Event::Drained)
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
