//! The broker.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::events::guard;
use super::latch::Latch;
use super::wait::wait_for;
use crate::broker::{Event, Persistence, StoredRequest};
use crate::config::{defaults, BrokerOptions, DispatchMode};
use crate::endpoint::{broker_getters, open_broker, BoundBroker, BrokerCommand};
use crate::error::Error;
use crate::reactor::{Engine, EventSink};

/// Queues requests of clients and gives them to workers.
///
/// A broker runs on the I/O thread from [`BrokerBuilder::start`] until [`Broker::stop`]. Dropping it ends it at once, with all
/// requests that are not finished.
///
/// ```no_run
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let broker = pigato::Broker::builder().bind("tcp://127.0.0.1:55555").start()?;
/// println!("listening on {}", broker.endpoint());
/// broker.stop_blocking();
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Broker {
    bound: BoundBroker,
    drained: Latch,
}

/// Builds a [`Broker`].
#[must_use = "call start"]
pub struct BrokerBuilder {
    endpoints: Vec<String>,
    options: BrokerOptions,
    restored: Option<Vec<StoredRequest>>,
    listener: Box<dyn FnMut(&Event) + Send>,
}

impl fmt::Debug for BrokerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrokerBuilder").field("endpoints", &self.endpoints).field("options", &self.options).finish()
    }
}

impl BrokerBuilder {
    /// Adds an endpoint to listen on. Default: `tcp://127.0.0.1:55555`. Port `*` takes a free port, which [`Broker::endpoint`]
    /// contains.
    pub fn bind(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoints.push(endpoint.into());
        self
    }

    /// Sets the endpoint where the broker publishes its directory for core services; `None`: nowhere. Default:
    /// `tcp://127.0.0.1:55550`, so a second broker on a machine needs another endpoint or `None`.
    pub fn intch(mut self, intch: Option<&str>) -> Self {
        self.options.intch = intch.map(str::to_owned);
        self
    }

    /// Replaces all options.
    pub fn options(mut self, options: BrokerOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets the time after which the broker sends a quiet worker a heartbeat. Default: 2.5 s.
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.options.heartbeat = heartbeat;
        self
    }

    /// Sets how the broker chooses among free workers. Default: the one with the fewest jobs.
    pub fn dispatch_mode(mut self, mode: DispatchMode) -> Self {
        self.options.dispatch_mode = mode;
        self
    }

    /// Sets a listener for the broker's events. It runs on the I/O thread and must not block.
    pub fn on_event(mut self, listener: impl FnMut(&Event) + Send + 'static) -> Self {
        self.listener = Box::new(listener);
        self
    }

    /// Makes requests with `persist` durable: the listener of [`BrokerBuilder::on_event`] receives [`Event::Stored`] and
    /// [`Event::Removed`] and keeps the requests. `requests` are those that the previous run left; pass an empty list on
    /// the first run. A request that was accepted right before a crash and not stored yet is lost. A stored request runs at least once.
    pub fn restore(mut self, requests: impl IntoIterator<Item = StoredRequest>) -> Self {
        self.restored = Some(requests.into_iter().collect());
        self
    }

    /// Starts the broker.
    ///
    /// # Errors
    ///
    /// `E_ENDPOINT` if an endpoint cannot be bound, `E_SYSTEM` if the system has no threads or sockets left.
    pub fn start(mut self) -> Result<Broker, Error> {
        if self.endpoints.is_empty() {
            self.endpoints.push(defaults::ENDPOINT.to_owned());
        }
        let drained = Latch::default();
        let sink = BrokerSink { listener: self.listener, drained: drained.clone() };
        let persistence = if self.restored.is_some() { Persistence::On } else { Persistence::Off };
        let bound = open_broker(&Engine::current()?, &self.endpoints, self.options, persistence, Box::new(sink))?;
        let broker = Broker { bound, drained };
        if let Some(requests) = self.restored {
            broker.bound.handle.submit_urgent(BrokerCommand::Restore(requests))?;
        }
        Ok(broker)
    }
}

impl Broker {
    /// A builder with default options.
    pub fn builder() -> BrokerBuilder {
        BrokerBuilder {
            endpoints: Vec::new(),
            options: BrokerOptions::default(),
            restored: None,
            listener: Box::new(|_| {}),
        }
    }

    broker_getters!();

    /// Stops the broker. It finishes accepted requests for at most 10 s, refuses new ones with `B_DRAINING`, and then disconnects
    /// its workers. Returns when everything it sent has left; a peer that does not read delays that by at most 1 s.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops only the wait; the broker still stops.
    pub async fn stop(&self) {
        self.stop_within(defaults::DRAIN).await;
    }

    /// As [`Broker::stop`], with another time limit. Zero ends unfinished requests at once.
    pub async fn stop_within(&self, timeout: Duration) {
        self.begin_stop(timeout);
        if !self.bound.handle.is_inherited() {
            self.drained.wait().await;
        }
    }

    /// As [`Broker::stop`].
    ///
    /// # Blocking
    ///
    /// Blocks the calling thread until the broker has stopped.
    pub fn stop_blocking(&self) {
        wait_for(self.stop());
    }

    /// As [`Broker::stop_within`].
    ///
    /// # Blocking
    ///
    /// Blocks the calling thread until the broker has stopped.
    pub fn stop_within_blocking(&self, timeout: Duration) {
        wait_for(self.stop_within(timeout));
    }

    fn begin_stop(&self, timeout: Duration) {
        // The only possible error is that the broker has stopped.
        let _ = self.bound.handle.submit_urgent(BrokerCommand::Drain(timeout));
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.begin_stop(Duration::ZERO);
    }
}

struct BrokerSink {
    listener: Box<dyn FnMut(&Event) + Send>,
    drained: Latch,
}

impl EventSink<Event> for BrokerSink {
    fn deliver(&mut self, events: &mut Vec<Event>) {
        for event in events.drain(..) {
            guard(|| (self.listener)(&event));
            if event == Event::Drained {
                self.drained.set();
            }
        }
    }
}

/// Checks at compile time that brokers can be shared between threads.
const _: fn() = || {
    fn shared<T: Send + Sync>() {}
    shared::<Broker>();
    shared::<super::Client>();
    shared::<super::Worker>();
    shared::<Arc<super::ReplyWriter>>();
};
