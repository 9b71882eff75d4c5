//! The broker.

use magnus::{function, method, prelude::*, Error, RArray, RModule, RString, Ruby};
use pigato::binding::Broker;
use pigato::broker::Event;
use pigato::config::{defaults, BrokerOptions};
use serde_json::Value;

use crate::error::exception;
use crate::events::Record;
use crate::handle::{define_class, define_source, source, Slot};
use crate::options::{bytes, object, timeout};

/// A broker, from `start` on.
#[magnus::wrap(class = "Pigato::Native::Broker", free_immediately)]
struct NativeBroker(Slot<Broker>);

// Only the I/O thread reads a broker's connections.
source!(NativeBroker, Broker, Event, |broker: &Broker| Some(broker.descriptor()), |_: &Broker| (), record);

pub(crate) fn define(ruby: &Ruby, native: RModule) -> Result<(), Error> {
    let class = define_class::<NativeBroker>(ruby, native, "Broker")?;
    define_source!(class, NativeBroker);
    class.define_singleton_method("start", function!(NativeBroker::start, 2))?;
    class.define_method("endpoints", method!(NativeBroker::endpoints, 0))?;
    class.define_method("intch", method!(NativeBroker::intch, 0))?;
    class.define_method("name", method!(NativeBroker::name, 0))?;
    class.define_method("statistics", method!(NativeBroker::statistics, 0))?;
    class.define_method("directory", method!(NativeBroker::directory, 0))?;
    class.define_method("stop", method!(NativeBroker::stop, 1))?;
    Ok(())
}

impl NativeBroker {
    /// Starts a broker that listens on all `endpoints`, or on the default one without any; `options` are JSON.
    fn start(ruby: &Ruby, endpoints: Vec<String>, options: RString) -> Result<Self, Error> {
        let endpoints = if endpoints.is_empty() { vec![defaults::ENDPOINT.to_owned()] } else { endpoints };
        object(&bytes(options))
            .and_then(|options| BrokerOptions::from_json(&options))
            .and_then(|options| Broker::start(&endpoints, options))
            .map(|broker| Self(Slot::new(broker)))
            .map_err(|error| exception(ruby, error))
    }

    fn endpoints(ruby: &Ruby, this: &Self) -> Result<Vec<String>, Error> {
        Ok(this.0.get(ruby)?.endpoints().to_vec())
    }

    fn intch(ruby: &Ruby, this: &Self) -> Result<Option<String>, Error> {
        Ok(this.0.get(ruby)?.intch().map(str::to_owned))
    }

    fn name(ruby: &Ruby, this: &Self) -> Result<String, Error> {
        Ok(this.0.get(ruby)?.name().to_owned())
    }

    /// Counters since the start and current gauges, as JSON.
    fn statistics(ruby: &Ruby, this: &Self) -> Result<String, Error> {
        let broker = this.0.get(ruby)?;
        let statistics = broker.statistics().map_err(|error| exception(ruby, error))?;
        let entries = statistics.entries().chain([("missedEvents", broker.missed_events())]);
        let entries = entries.map(|(name, value)| (snake_case(name), Value::from(value)));
        Ok(Value::Object(entries.collect()).to_string())
    }

    /// Which workers offer which service, as JSON.
    fn directory(ruby: &Ruby, this: &Self) -> Result<String, Error> {
        let broker = this.0.get(ruby)?;
        broker.directory().map(|entries| Value::Object(entries).to_string()).map_err(|error| exception(ruby, error))
    }

    /// Stops once the accepted requests are answered, after `timeout_ms` milliseconds at the latest (below 0: no limit).
    /// The event `stopped` is the last one.
    fn stop(ruby: &Ruby, this: &Self, timeout_ms: f64) -> Result<(), Error> {
        this.0.get(ruby)?.stop(timeout(timeout_ms)).map_err(|error| exception(ruby, error))
    }
}

fn record(ruby: &Ruby, event: &Event) -> Result<Option<RArray>, Error> {
    let binary = |bytes: &[u8]| ruby.str_from_slice(bytes);
    let record = match event {
        Event::WorkerJoined { worker, service } => {
            Record::new(ruby, "worker_joined")?.with(binary(worker.as_bytes()))?.text_or_nil(service.as_bytes())?
        }
        Event::WorkerLeft { worker, service, reason } => Record::new(ruby, "worker_left")?
            .with(binary(worker.as_bytes()))?
            .text_or_nil(service.as_bytes())?
            .with(reason.as_str())?,
        Event::ClientLeft { client, reason } => {
            Record::new(ruby, "client_left")?.with(binary(client.as_bytes()))?.with(reason.as_str())?
        }
        Event::ProtocolError { peer, error } => {
            Record::new(ruby, "protocol_error")?.with(binary(peer.as_bytes()))?.with(error.as_str())?
        }
        Event::Drained => Record::new(ruby, "stopped")?,
        _ => return Ok(None),
    };
    Ok(Some(record.finish()))
}

/// `partialReplies` as `partial_replies`.
fn snake_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(character.to_ascii_lowercase());
    }
    text
}
