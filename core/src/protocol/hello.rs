//! What peers of version 1 announce to each other, in frames that the published peers ignore.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::payload::duration_within;
use super::Frame;
use crate::config::{ceil_millis, Concurrency};
use crate::limits;

/// The version of the extensions spoken here.
pub const VERSION: u32 = 1;

/// The extensions that a peer understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Requests can be cancelled.
    pub cancel: bool,
    /// Partial replies are sent against credit.
    pub credit: bool,
    /// `{"codec":"raw"}` is understood.
    pub codec: bool,
}

impl Capabilities {
    /// All that this implementation understands.
    pub const ALL: Self = Self { cancel: true, credit: true, codec: true };

    fn names(self) -> Vec<&'static str> {
        let named = [(self.cancel, "cancel"), (self.credit, "credit"), (self.codec, "codec")];
        named.into_iter().filter_map(|(on, name)| on.then_some(name)).collect()
    }

    fn from_names(names: &[Value]) -> Self {
        let has = |name: &str| names.iter().any(|value| value.as_str() == Some(name));
        Self { cancel: has("cancel"), credit: has("credit"), codec: has("codec") }
    }
}

/// A client's announcement.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientHello {
    /// What it understands.
    pub capabilities: Capabilities,
    /// Its interval between heartbeats.
    pub heartbeat: Duration,
    /// Partial replies that each of its requests may be sent before it grants more; with capability `credit`.
    pub credit: u32,
}

/// A worker's announcement, beside the service it offers.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerHello {
    /// What it understands.
    pub capabilities: Capabilities,
    /// Its interval between heartbeats.
    pub heartbeat: Duration,
    /// How many requests it takes at a time.
    pub concurrency: Concurrency,
}

/// A broker's answer to either.
#[derive(Debug, Clone, PartialEq)]
pub struct BrokerHello {
    /// What it understands.
    pub capabilities: Capabilities,
    /// Its interval between heartbeats.
    pub heartbeat: Duration,
    /// Its name, another one at every start; empty if it did not say.
    pub name: String,
}

/// The JSON of all three.
#[derive(Serialize, Deserialize)]
struct Wire {
    v: u32,
    #[serde(default)]
    caps: Vec<Value>,
    #[serde(default)]
    heartbeat: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    concurrency: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credit: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

impl Wire {
    fn new(capabilities: Capabilities, heartbeat: Duration) -> Self {
        let caps = capabilities.names().into_iter().map(Value::from).collect();
        Self { v: VERSION, caps, heartbeat: Some(ceil_millis(heartbeat)), concurrency: None, credit: None, name: None }
    }

    fn to_frame(&self) -> Frame {
        Frame::from(serde_json::to_string(self).expect("numbers and strings always serialise"))
    }

    fn parse(frame: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Self>(frame).ok().filter(|wire| wire.v >= 1)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::from_names(&self.caps)
    }

    fn heartbeat(&self) -> Duration {
        self.heartbeat
            .and_then(|millis| duration_within(millis as f64, limits::HEARTBEAT))
            .unwrap_or(crate::config::defaults::HEARTBEAT)
    }
}

/// Whether a frame looks like an announcement rather than like a request id.
pub(super) fn looks_like_hello(frame: &[u8]) -> bool {
    frame.first() == Some(&b'{')
}

impl ClientHello {
    pub(super) fn parse(frame: &[u8]) -> Option<Self> {
        let wire = Wire::parse(frame)?;
        Some(Self { capabilities: wire.capabilities(), heartbeat: wire.heartbeat(), credit: wire.credit.unwrap_or(0) })
    }

    pub(super) fn to_frame(&self) -> Frame {
        Wire { credit: Some(self.credit), ..Wire::new(self.capabilities, self.heartbeat) }.to_frame()
    }
}

impl WorkerHello {
    pub(super) fn parse(frame: &[u8]) -> Option<Self> {
        let wire = Wire::parse(frame)?;
        Some(Self {
            capabilities: wire.capabilities(),
            heartbeat: wire.heartbeat(),
            concurrency: wire.concurrency.and_then(Concurrency::from_number).unwrap_or_default(),
        })
    }

    pub(super) fn to_frame(&self) -> Frame {
        let concurrency = Some(self.concurrency.as_number());
        Wire { concurrency, ..Wire::new(self.capabilities, self.heartbeat) }.to_frame()
    }
}

impl BrokerHello {
    pub(super) fn parse(frame: &[u8]) -> Option<Self> {
        let wire = Wire::parse(frame)?;
        Some(Self {
            capabilities: wire.capabilities(),
            heartbeat: wire.heartbeat(),
            name: wire.name.unwrap_or_default(),
        })
    }

    pub(super) fn to_frame(&self) -> Frame {
        Wire { name: Some(self.name.clone()), ..Wire::new(self.capabilities, self.heartbeat) }.to_frame()
    }
}
