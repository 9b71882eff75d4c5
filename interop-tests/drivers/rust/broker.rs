//! The broker.

use std::time::Duration;

use pigato::broker::{Event, Statistics};
use pigato::config::BrokerOptions;
use pigato::Broker;
use serde_json::{json, Value};

use crate::{say, Outcome, Role, Settings};

/// Default drain period.
const DRAIN: Duration = Duration::from_secs(0);

pub(crate) fn start(settings: Settings) -> Outcome<Broker> {
    let options = BrokerOptions::from_json(&settings.conf)?;
    let broker = Broker::builder().options(options).bind(settings.endpoint).on_event(tell).start()?;
    say(json!({"event": "ready", "endpoint": broker.endpoint(), "intch": broker.intch()}));
    Ok(broker)
}

fn tell(event: &Event) {
    match event {
        Event::WorkerJoined { .. } => say(json!({"event": "workerJoined"})),
        Event::WorkerLeft { .. } => say(json!({"event": "workerLeft"})),
        Event::ClientLeft { .. } => say(json!({"event": "clientLeft"})),
        Event::ProtocolError { .. } => say(json!({"event": "protocolError"})),
        _ => {}
    }
}

impl Role for Broker {
    fn command(&self, operation: &str, line: &Value) -> Outcome<()> {
        match operation {
            "statistics" => {
                let statistics = members(&self.statistics()?);
                say(json!({"event": "statistics", "tag": line["tag"], "statistics": statistics}));
            }
            "drain" => {
                let most = Duration::from_millis(line["ms"].as_u64().unwrap_or_default());
                self.stop_within_blocking(most);
                say(json!({"event": "drained"}));
            }
            _ => return Err(format!("no operation is called {operation}").into()),
        }
        Ok(())
    }

    fn stop(&self) {
        self.stop_within_blocking(DRAIN);
    }
}

fn members(of: &Statistics) -> Value {
    json!({
        "requests": of.requests, "dispatches": of.dispatches, "replies": of.replies,
        "partialReplies": of.partial_replies, "rejects": of.rejects, "retries": of.retries, "expired": of.expired,
        "cancelled": of.cancelled, "errors": of.errors, "lateReplies": of.late_replies, "cacheHits": of.cache_hits,
        "protocolErrors": of.protocol_errors, "workers": of.workers, "clients": of.clients, "queued": of.queued,
        "inFlight": of.in_flight,
    })
}
