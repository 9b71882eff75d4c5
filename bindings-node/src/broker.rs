//! The broker.

use std::time::Duration;

use napi::bindgen_prelude::{Buffer, Function};
use napi_derive::napi;
use pigato::binding::Broker;
use pigato::broker::{Event, StoredRequest};
use pigato::config::defaults;
use pigato::protocol::PeerId;
use pigato::Timeout;
use serde_json::{json, Value};

use crate::client::timeout;
use crate::error::{thrown, Result};
use crate::options;
use crate::pack::{Kind, Packed, Record, NEVER};
use crate::stored;
use crate::wake::waker;

/// A broker, from `start` on.
#[napi]
pub struct NativeBroker {
    broker: Broker,
}

#[napi]
impl NativeBroker {
    /// Starts a broker that listens on all of `endpoints`, on the default one if there are none; `options` are JSON. A `persistent`
    /// one tells which requests to keep, and serves nobody before `restore`.
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

    /// Where it listens, with the ports that `*` became.
    #[napi(getter, catch_unwind)]
    pub fn endpoints(&self) -> Vec<String> {
        self.broker.endpoints().to_vec()
    }

    /// Where it publishes for core services.
    #[napi(getter, catch_unwind)]
    pub fn intch(&self) -> Option<String> {
        self.broker.intch().map(str::to_owned)
    }

    /// Counters since the start and what there is now, as JSON.
    #[napi(catch_unwind)]
    pub fn statistics(&self) -> Result<String> {
        let now = self.broker.statistics().map_err(thrown)?;
        let missed = self.broker.missed_events();
        Ok(json!({
            "requests": now.requests, "restored": now.restored, "left": now.left, "dispatches": now.dispatches, "replies": now.replies,
            "partialReplies": now.partial_replies, "rejects": now.rejects, "retries": now.retries,
            "expired": now.expired, "cancelled": now.cancelled, "errors": now.errors, "lateReplies": now.late_replies,
            "cacheHits": now.cache_hits, "protocolErrors": now.protocol_errors, "undeliverable": now.undeliverable,
            "workers": now.workers, "clients": now.clients, "queued": now.queued, "inFlight": now.in_flight,
            "requestBytes": now.request_bytes, "cacheBytes": now.cache_bytes, "missedEvents": missed,
        })
        .to_string())
    }

    /// Which workers offer which service, as JSON.
    #[napi(catch_unwind)]
    pub fn directory(&self) -> Result<String> {
        Ok(Value::Object(self.broker.directory().map_err(thrown)?).to_string())
    }

    /// Up to `most` events; `None` if there are none.
    #[napi(catch_unwind)]
    pub fn drain(&self, most: u32) -> Option<Buffer> {
        let mut events = Vec::new();
        // The only possible error says that nothing can follow.
        let count = self.broker.poll(&mut events, most as usize, Duration::ZERO).ok().filter(|count| *count > 0)?;
        let mut packed = Packed::for_events(count);
        events.iter().for_each(|event| pack(&mut packed, event));
        Some(packed.finish().into())
    }

    /// Takes in again what an earlier life stored; `lib/keeper.js` packs it. Returns the places of those that can be no requests.
    #[napi(catch_unwind)]
    pub fn restore(&self, packed: &[u8]) -> Result<Vec<u32>> {
        let (requests, refused) = stored::unpack(packed)?;
        self.broker.restore(requests).map_err(thrown)?;
        Ok(refused)
    }

    /// Finishes what was accepted for up to this many milliseconds (below 0: without end); ends with `Stopped`.
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

/// The parts: client, id, service, data, options; and the worker's text (its length is the second number) with the frames that
/// followed, each behind its length. The token tells the milliseconds that are left.
fn pack_stored(packed: &mut Packed, request: &StoredRequest) {
    let worker = request.worker.as_ref().map(PeerId::to_text).unwrap_or_default();
    let mut rest = worker.clone().into_bytes();
    for frame in &request.extra {
        rest.extend_from_slice(&(frame.len() as u32).to_le_bytes());
        rest.extend_from_slice(frame);
    }
    let client = request.client.to_text();
    let (flags, token) = match request.remaining {
        Timeout::Never => (NEVER, 0),
        remaining => (0, remaining.as_millis().unsigned_abs()),
    };
    let record = Record {
        flags,
        numbers: [request.attempt, worker.len() as u32],
        ..Record::about(Kind::Stored, token)
            .part(0, client.as_bytes())
            .part(1, request.id.as_bytes())
            .part(2, request.service.as_bytes())
            .part(3, &request.data)
            .part(4, &request.options)
            .part(5, &rest)
    };
    packed.add(&record);
}
