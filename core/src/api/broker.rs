//! The broker.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::events::guard;
use super::latch::Latch;
use super::wait::wait_for;
use crate::broker::{Event, Persistence, Statistics, StoredRequest};
use crate::config::{defaults, BrokerOptions, DispatchMode};
use crate::endpoint::{open_broker, BoundBroker, BrokerCommand};
use crate::error::Error;
use crate::reactor::{Engine, EventSink};

/// Takes requests from clients and hands them to workers.
///
/// It runs on the I/O thread from [`BrokerBuilder::start`] until [`Broker::stop`], or until it is dropped, which gives up
/// what is not finished.
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

/// What a broker is made from.
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
    /// Listens there too. Without any, `tcp://127.0.0.1:55555`. A `*` for the port takes a free one, which
    /// [`Broker::endpoint`] tells.
    pub fn bind(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoints.push(endpoint.into());
        self
    }

    /// Where the directory is published for core services, `None` for nowhere. Default: `tcp://127.0.0.1:55550`, so that
    /// a second broker on a machine needs another place or none.
    pub fn intch(mut self, intch: Option<&str>) -> Self {
        self.options.intch = intch.map(str::to_owned);
        self
    }

    /// Replaces all options.
    pub fn options(mut self, options: BrokerOptions) -> Self {
        self.options = options;
        self
    }

    /// Time after which a quiet worker is sent a heartbeat. Default: 2.5 s.
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.options.heartbeat = heartbeat;
        self
    }

    /// How a worker is chosen among the free ones.
    pub fn dispatch_mode(mut self, mode: DispatchMode) -> Self {
        self.options.dispatch_mode = mode;
        self
    }

    /// Is told what happens in the broker, on the I/O thread: it must not block.
    pub fn on_event(mut self, listener: impl FnMut(&Event) + Send + 'static) -> Self {
        self.listener = Box::new(listener);
        self
    }

    /// Has the listener of [`BrokerBuilder::on_event`] told which requests with `persist` to keep ([`Event::Stored`],
    /// [`Event::Removed`]), and begins with those that an earlier life left: pass none to begin with nothing. What was accepted
    /// in the moments before a crash, and not kept yet, is lost; what was kept is run at least once.
    pub fn restore(mut self, requests: impl IntoIterator<Item = StoredRequest>) -> Self {
        self.restored = Some(requests.into_iter().collect());
        self
    }

    /// Starts the broker. An endpoint that cannot be bound is an error.
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
    /// A broker that is still to be told where to listen.
    pub fn builder() -> BrokerBuilder {
        BrokerBuilder {
            endpoints: Vec::new(),
            options: BrokerOptions::default(),
            restored: None,
            listener: Box::new(|_| {}),
        }
    }

    /// Where it listens; the first place, if there are several.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        self.bound.endpoint()
    }

    /// All places where it listens.
    #[must_use]
    pub fn endpoints(&self) -> &[String] {
        &self.bound.endpoints
    }

    /// Where it publishes for core services.
    #[must_use]
    pub fn intch(&self) -> Option<&str> {
        self.bound.intch.as_deref()
    }

    /// Its name, `B<uuid>` unless the options gave one.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.bound.name
    }

    /// Counters since the start, and what there is now. `C_CLOSED` once it has stopped.
    pub fn statistics(&self) -> Result<Statistics, Error> {
        self.bound.statistics()
    }

    /// Which workers offer which service. `C_CLOSED` once it has stopped.
    pub fn directory(&self) -> Result<Map<String, Value>, Error> {
        self.bound.directory()
    }

    /// Stops the broker: what it has accepted is finished, for ten seconds at most; new requests are refused with
    /// `B_DRAINING`; then its workers are told. Returns when that is done
    /// and what was sent has left, for which a peer that does not read has a second.
    pub async fn stop(&self) {
        self.stop_within(defaults::DRAIN).await;
    }

    /// As [`Broker::stop`], with another time; zero gives up what is not finished.
    pub async fn stop_within(&self, timeout: Duration) {
        self.begin_stop(timeout);
        if !self.bound.handle.is_inherited() {
            self.drained.wait().await;
        }
    }

    /// As [`Broker::stop`], on the present thread.
    pub fn stop_blocking(&self) {
        wait_for(self.stop());
    }

    /// As [`Broker::stop_within`], on the present thread.
    pub fn stop_within_blocking(&self, timeout: Duration) {
        wait_for(self.stop_within(timeout));
    }

    fn begin_stop(&self, timeout: Duration) {
        // The only possible error says that it has stopped.
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

/// Keeps the compiler's eye on what users rely on: brokers may be shared between threads.
const _: fn() = || {
    fn shared<T: Send + Sync>() {}
    shared::<Broker>();
    shared::<super::Client>();
    shared::<super::Worker>();
    shared::<Arc<super::ReplyWriter>>();
};
