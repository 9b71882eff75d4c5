//! The broker.

use std::time::Duration;

use napi::bindgen_prelude::{Buffer, Function};
use napi_derive::napi;
use pigato::binding::Broker;
use pigato::broker::{Event, StoredRequest};
use pigato::config::defaults;
use pigato::protocol::PeerId;
use pigato::Timeout;
use serde_json::Value;

use crate::error::{thrown, Result};
use crate::options;
use crate::pack::{Kind, Packed, Record, NEVER};
use crate::peer::{drain, timeout};
use crate::stored;
use crate::wake::waker;

/// A started broker.
#[napi]
pub struct NativeBroker {
    broker: Broker,
}

#[napi]
impl NativeBroker {
    /// Starts a broker that listens on all `endpoints`, or on the default one if the list is empty;
    /// `options` are JSON. If `persistent` is true it emits the events `Stored` and `Removed`, and
    /// serves no peer before `restore` is called.
    #[napi(factory, catch_unwind)]
    pub fn start(
        endpoints: Vec<String>,
        options: String,
        persistent: bool,
        wake: Function<'_, (), ()>,
    ) -> Result<Self> {
        let endpoints = if endpoints.is_empty() { vec![defaults::ENDPOINT.to_owned()] } else { endpoints };
        let start = if persistent { Broker::start_persistent } else { Broker::start };
        let broker = start(&endpoints, options::broker(&options)?).map_err(thrown)?;
        broker.on_ready(waker(&wake)?);
        Ok(Self { broker })
    }

    /// The addresses it listens on, with real ports in place of `*`.
    #[napi(getter, catch_unwind)]
    pub fn endpoints(&self) -> Vec<String> {
        self.broker.endpoints().to_vec()
    }

    /// The address where it publishes its directory.
    #[napi(getter, catch_unwind)]
    pub fn intch(&self) -> Option<String> {
        self.broker.intch().map(str::to_owned)
    }

    /// Counters since the start and present gauges, as JSON. Blocks until the I/O thread answers.
    #[napi(catch_unwind)]
    pub fn statistics(&self) -> Result<String> {
        let statistics = self.broker.statistics().map_err(thrown)?;
        let entries = statistics.entries().chain([("missedEvents", self.broker.missed_events())]);
        let entries = entries.map(|(name, value)| (name.to_owned(), Value::from(value)));
        Ok(Value::Object(entries.collect()).to_string())
    }

    /// Service name to the identities of its workers, as JSON. Blocks until the I/O thread answers.
    #[napi(catch_unwind)]
    pub fn directory(&self) -> Result<String> {
        Ok(Value::Object(self.broker.directory().map_err(thrown)?).to_string())
    }

    /// Up to `most` events; `None` if there are none.
    #[napi(catch_unwind)]
    pub fn drain(&self, most: u32) -> Option<Buffer> {
        drain(|events| self.broker.poll(events, most as usize, Duration::ZERO), pack)
    }

    /// Restores the requests that a previous run stored, packed by `lib/store.js`. Returns the
    /// indices of invalid ones.
    #[napi(catch_unwind)]
    pub fn restore(&self, packed: &[u8]) -> Result<Vec<u32>> {
        let (requests, refused) = stored::unpack(packed)?;
        self.broker.restore(requests).map_err(thrown)?;
        Ok(refused)
    }

    /// Finishes accepted requests for up to this many milliseconds (below 0: no limit). The event
    /// `Stopped` follows.
    #[napi(catch_unwind)]
    pub fn stop(&self, timeout_ms: f64) -> Result<()> {
        self.broker.stop(timeout(timeout_ms)).map_err(thrown)
    }
}

fn pack(packed: &mut Packed, event: &Event) {
    let record = match event {
        Event::Stored(request) => return pack_stored(packed, request),
        Event::Removed { client, id } => {
            return packed.add(&Record::new(Kind::Removed).part(0, client.to_text().as_bytes()).part(1, id.as_bytes()));
        }
        Event::WorkerJoined { worker, service } => {
            Record::new(Kind::WorkerJoined).part(0, worker.as_bytes()).part(1, service.as_bytes())
        }
        Event::WorkerLeft { worker, service, reason } => Record::new(Kind::WorkerLeft)
            .part(0, worker.as_bytes())
            .part(1, service.as_bytes())
            .part(2, reason.as_str().as_bytes()),
        Event::ClientLeft { client, reason } => {
            Record::new(Kind::ClientLeft).part(0, client.as_bytes()).part(2, reason.as_str().as_bytes())
        }
        Event::ProtocolError { peer, error } => {
            Record::new(Kind::ProtocolError).part(0, peer.as_bytes()).part(2, error.as_str().as_bytes())
        }
        Event::Drained => Record::new(Kind::Stopped),
        _ => return,
    };
    packed.add(&record);
}

/// Parts 0 to 4: client, id, service, data, options. Part 5: the worker's identity, whose length is
/// the second value, then each extra frame after its length. The record's number is the remaining
/// time in milliseconds.
fn pack_stored(packed: &mut Packed, request: &StoredRequest) {
    let worker = request.worker.as_ref().map(PeerId::to_text).unwrap_or_default();
    let mut worker_and_extra = worker.clone().into_bytes();
    for frame in &request.extra {
        worker_and_extra.extend_from_slice(&(frame.len() as u32).to_le_bytes());
        worker_and_extra.extend_from_slice(frame);
    }
    let client = request.client.to_text();
    let (flags, number) = match request.remaining {
        Timeout::Never => (NEVER, 0),
        remaining => (0, remaining.as_millis().unsigned_abs()),
    };
    let record = Record {
        flags,
        values: [request.attempt, worker.len() as u32],
        ..Record::about(Kind::Stored, number)
            .part(0, client.as_bytes())
            .part(1, request.id.as_bytes())
            .part(2, request.service.as_bytes())
            .part(3, &request.data)
            .part(4, &request.options)
            .part(5, &worker_and_extra)
    };
    packed.add(&record);
}
