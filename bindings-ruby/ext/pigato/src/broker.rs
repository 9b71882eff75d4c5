//! The broker.

use std::time::Duration;

use magnus::{function, method, prelude::*, Error, RArray, RModule, RString, Ruby};
use pigato::binding::Broker;
use pigato::broker::Event;
use pigato::config::{defaults, BrokerOptions};
use pigato::ErrorCode;
use serde_json::{json, Value};

use crate::error::thrown;
use crate::events::Record;
use crate::handle::{define_class, Slot};
use crate::options::{bytes, object, timeout};

/// A broker, from `start` on.
#[magnus::wrap(class = "Pigato::Native::Broker", free_immediately)]
struct NativeBroker(Slot<Broker>);

pub(crate) fn define(ruby: &Ruby, native: RModule) -> Result<(), Error> {
    let class = define_class::<NativeBroker>(ruby, native, "Broker")?;
    class.undef_default_alloc_func();
    class.define_singleton_method("start", function!(NativeBroker::start, 2))?;
    class.define_method("endpoints", method!(NativeBroker::endpoints, 0))?;
    class.define_method("intch", method!(NativeBroker::intch, 0))?;
    class.define_method("name", method!(NativeBroker::name, 0))?;
    class.define_method("refuse_fork", method!(NativeBroker::refuse_fork, 0))?;
    class.define_method("begin_wait", method!(NativeBroker::begin_wait, 0))?;
    class.define_method("end_wait", method!(NativeBroker::end_wait, 0))?;
    class.define_method("statistics", method!(NativeBroker::statistics, 0))?;
    class.define_method("directory", method!(NativeBroker::directory, 0))?;
    class.define_method("drain", method!(NativeBroker::drain, 1))?;
    class.define_method("stop", method!(NativeBroker::stop, 1))?;
    class.define_method("release", method!(NativeBroker::release, 0))?;
    Ok(())
}

impl NativeBroker {
    /// Starts a broker that listens on all of `endpoints`, on the default one if there are none; `options` are JSON.
    fn start(ruby: &Ruby, endpoints: Vec<String>, options: RString) -> Result<Self, Error> {
        let endpoints = if endpoints.is_empty() { vec![defaults::ENDPOINT.to_owned()] } else { endpoints };
        object(&bytes(options))
            .and_then(|options| BrokerOptions::from_json(&options))
            .and_then(|options| Broker::start(&endpoints, options))
            .map(|broker| Self(Slot::new(broker)))
            .map_err(|error| thrown(ruby, error))
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

    fn refuse_fork(ruby: &Ruby, this: &Self) -> Result<(), Error> {
        this.0.get(ruby)?.refuse_fork().map_err(|error| thrown(ruby, error))
    }

    /// The descriptor to wait for.
    fn begin_wait(ruby: &Ruby, this: &Self) -> Result<i32, Error> {
        Ok(this.0.get(ruby)?.descriptor())
    }

    /// As the other handles have it: a broker's waits are its I/O thread's business.
    fn end_wait(&self) {}

    /// Counters since the start and what there is now, as JSON.
    fn statistics(ruby: &Ruby, this: &Self) -> Result<String, Error> {
        let broker = this.0.get(ruby)?;
        let now = broker.statistics().map_err(|error| thrown(ruby, error))?;
        Ok(json!({
            "requests": now.requests, "dispatches": now.dispatches, "replies": now.replies,
            "partial_replies": now.partial_replies, "rejects": now.rejects, "retries": now.retries,
            "expired": now.expired, "cancelled": now.cancelled, "errors": now.errors, "late_replies": now.late_replies,
            "cache_hits": now.cache_hits, "protocol_errors": now.protocol_errors, "undeliverable": now.undeliverable,
            "workers": now.workers, "clients": now.clients, "queued": now.queued, "in_flight": now.in_flight,
            "request_bytes": now.request_bytes, "cache_bytes": now.cache_bytes, "missed_events": broker.missed_events(),
        })
        .to_string())
    }

    /// Which workers offer which service, as JSON.
    fn directory(ruby: &Ruby, this: &Self) -> Result<String, Error> {
        let broker = this.0.get(ruby)?;
        broker.directory().map(|entries| Value::Object(entries).to_string()).map_err(|error| thrown(ruby, error))
    }

    /// Up to `most` events, without waiting.
    fn drain(ruby: &Ruby, this: &Self, most: usize) -> Result<RArray, Error> {
        let mut events = Vec::new();
        match this.0.get(ruby)?.poll(&mut events, most, Duration::ZERO) {
            Err(error) if error.code() != ErrorCode::Closed => return Err(thrown(ruby, error)),
            _ => {}
        }
        let told = ruby.ary_new_capa(events.len());
        for event in &events {
            if let Some(event) = record(ruby, event)? {
                told.push(event.finish())?;
            }
        }
        Ok(told)
    }

    /// Finishes what was accepted for up to this many milliseconds (below 0: without end); ends with `stopped`.
    fn stop(ruby: &Ruby, this: &Self, timeout_ms: f64) -> Result<(), Error> {
        this.0.get(ruby)?.stop(timeout(timeout_ms)).map_err(|error| thrown(ruby, error))
    }

    fn release(&self) {
        self.0.release();
    }
}

fn record<'r>(ruby: &'r Ruby, event: &Event) -> Result<Option<Record<'r>>, Error> {
    let binary = |bytes: &[u8]| ruby.str_from_slice(bytes);
    Ok(Some(match event {
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
    }))
}
