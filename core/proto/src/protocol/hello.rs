//! Hellos: what version 1 peers announce to each other, in frames that published peers ignore.

use std::time::Duration;

use serde::de::MapAccess;
use serde::Serialize;

use super::{json, Frame};
use crate::config::{ceil_millis, defaults, Concurrency, Timeout};
use crate::limits;

/// The version of the extensions.
pub const VERSION: u32 = 1;

/// The extensions that a peer understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Requests can be cancelled.
    pub cancel: bool,
    /// Partial replies need credit.
    pub credit: bool,
    /// The peer understands `{"codec":"raw"}`.
    pub codec: bool,
}

impl Capabilities {
    /// All capabilities of this implementation.
    pub const ALL: Self = Self { cancel: true, credit: true, codec: true };

    fn names(self) -> Vec<&'static str> {
        let named = [(self.cancel, "cancel"), (self.credit, "credit"), (self.codec, "codec")];
        named.into_iter().filter_map(|(on, name)| on.then_some(name)).collect()
    }

    /// Adds the capability with this name, if it is known.
    fn add(&mut self, name: &str) {
        match name {
            "cancel" => self.cancel = true,
            "credit" => self.credit = true,
            "codec" => self.codec = true,
            _ => {}
        }
    }
}

/// A client's hello.
#[derive(Debug, Clone, PartialEq)]
pub struct ClientHello {
    /// The capabilities.
    pub capabilities: Capabilities,
    /// The interval between heartbeats.
    pub heartbeat: Duration,
    /// Initial credit of each request: partial replies before the first grant; with capability `credit`.
    pub credit: u32,
    /// The number of the session: a later session has a greater one.
    pub session: Option<u64>,
}

/// A worker's hello, sent with the service name.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerHello {
    /// The capabilities.
    pub capabilities: Capabilities,
    /// The interval between heartbeats.
    pub heartbeat: Duration,
    /// The concurrency.
    pub concurrency: Concurrency,
}

/// A broker's answer to either hello.
#[derive(Debug, Clone, PartialEq)]
pub struct BrokerHello {
    /// The capabilities.
    pub capabilities: Capabilities,
    /// The interval between heartbeats.
    pub heartbeat: Duration,
    /// The broker's name, another one after each start; empty if missing.
    pub name: String,
    /// To a client: the number of the broker's record of it; another number once the broker has dropped the client's state.
    pub session: Option<u64>,
}

/// The JSON of all three hellos, for writing.
#[derive(Serialize)]
struct Wire {
    v: u32,
    caps: Vec<&'static str>,
    heartbeat: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<u64>,
}

impl Wire {
    fn new(capabilities: Capabilities, heartbeat: Duration) -> Self {
        let (caps, heartbeat) = (capabilities.names(), ceil_millis(heartbeat));
        Self { v: VERSION, caps, heartbeat, concurrency: None, credit: None, name: None, session: None }
    }

    fn to_frame(&self) -> Frame {
        Frame::from(serde_json::to_string(self).expect("numbers and strings always serialise"))
    }
}

/// The JSON of all three hellos, for reading. Only the version is required.
#[derive(Default)]
struct Received {
    version: Option<f64>,
    capabilities: Capabilities,
    heartbeat: Option<Timeout>,
    concurrency: Option<Concurrency>,
    credit: Option<u32>,
    name: Option<String>,
    session: Option<u64>,
}

impl json::Object for Received {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<(), A::Error> {
        match name {
            "v" => self.version = json::scalar(members)?.number(),
            "caps" => {
                self.capabilities = Capabilities::default();
                json::each_text(members, &mut |name| self.capabilities.add(name))?;
            }
            "heartbeat" => self.heartbeat = json::scalar(members)?.millis(),
            "concurrency" => {
                self.concurrency = json::scalar(members)?.whole().and_then(Concurrency::from_number);
            }
            "credit" => self.credit = json::scalar(members)?.count(),
            "name" => self.name = json::scalar(members)?.text().map(str::to_owned),
            "session" => self.session = json::scalar(members)?.whole().and_then(|number| number.try_into().ok()),
            _ => json::skip(members)?,
        }
        Ok(())
    }
}

impl Received {
    fn parse(frame: &[u8]) -> Option<Self> {
        json::read(frame, Self::default()).filter(|hello| hello.version >= Some(VERSION.into()))
    }

    /// The interval, clamped to its bounds.
    fn heartbeat(&self) -> Duration {
        let (shortest, longest) = limits::HEARTBEAT;
        let said = self.heartbeat.and_then(Timeout::duration);
        said.map_or(defaults::HEARTBEAT, |interval| interval.clamp(shortest, longest))
    }
}

/// Whether a frame looks like a hello and not like a request id.
pub(super) fn looks_like_hello(frame: &[u8]) -> bool {
    frame.first() == Some(&b'{')
}

impl ClientHello {
    pub(super) fn parse(frame: &[u8]) -> Option<Self> {
        let hello = Received::parse(frame)?;
        Some(Self {
            capabilities: hello.capabilities,
            heartbeat: hello.heartbeat(),
            credit: hello.credit.unwrap_or_default(),
            session: hello.session,
        })
    }

    pub(super) fn to_frame(&self) -> Frame {
        let Self { session, .. } = *self;
        Wire { credit: Some(self.credit), session, ..Wire::new(self.capabilities, self.heartbeat) }.to_frame()
    }
}

impl WorkerHello {
    pub(super) fn parse(frame: &[u8]) -> Option<Self> {
        let hello = Received::parse(frame)?;
        Some(Self {
            capabilities: hello.capabilities,
            heartbeat: hello.heartbeat(),
            concurrency: hello.concurrency.unwrap_or_default(),
        })
    }

    pub(super) fn to_frame(&self) -> Frame {
        let concurrency = Some(self.concurrency.as_number());
        Wire { concurrency, ..Wire::new(self.capabilities, self.heartbeat) }.to_frame()
    }
}

impl BrokerHello {
    pub(super) fn parse(frame: &[u8]) -> Option<Self> {
        let hello = Received::parse(frame)?;
        Some(Self {
            capabilities: hello.capabilities,
            heartbeat: hello.heartbeat(),
            name: hello.name.unwrap_or_default(),
            session: hello.session,
        })
    }

    pub(super) fn to_frame(&self) -> Frame {
        let Self { session, .. } = *self;
        Wire { name: Some(self.name.clone()), session, ..Wire::new(self.capabilities, self.heartbeat) }.to_frame()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Capabilities = Capabilities { cancel: false, credit: false, codec: false };

    fn client(json: &str) -> Option<ClientHello> {
        ClientHello::parse(json.as_bytes())
    }

    fn worker(json: &str) -> Option<WorkerHello> {
        WorkerHello::parse(json.as_bytes())
    }

    #[test]
    fn announcement_needs_nothing_but_a_version() {
        let defaults = ClientHello { capabilities: NONE, heartbeat: defaults::HEARTBEAT, credit: 0, session: None };
        for enough in [r#"{"v":1}"#, r#"{"v":2}"#, r#"{"v":1.0}"#, r#"{"v":"1"}"#, r#" {"v":1,"mood":["fine"]} "#] {
            assert_eq!(client(enough), Some(defaults.clone()), "{enough}");
        }
        assert_eq!(worker(r#"{"v":1}"#).map(|hello| hello.concurrency), Some(Concurrency::default()));
        assert_eq!(BrokerHello::parse(br#"{"v":1}"#).map(|hello| hello.name), Some(String::new()));
    }

    #[test]
    fn what_does_not_say_a_version_is_no_announcement() {
        let others = [
            "",
            "null",
            "{}",
            "1",
            "[1]",
            r#"[1,["cancel"],2500]"#,
            r#"{"v":0}"#,
            r#"{"v":-1}"#,
            r#"{"v":null}"#,
            r#"{"v":"one"}"#,
            r#"{"v":[1]}"#,
            r#"{"caps":["cancel"],"heartbeat":2500}"#,
            r#"{"v":1"#,
            r#"{"v":1}}"#,
        ];
        for other in others {
            assert_eq!(client(other), None, "{other}");
            assert_eq!(worker(other), None, "{other}");
            assert_eq!(BrokerHello::parse(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn invalid_members_count_as_missing() {
        let odd = r#"{"v":1,"caps":"cancel","heartbeat":"often","concurrency":[],"credit":{},"name":7,"session":-1}"#;
        let defaults = ClientHello { capabilities: NONE, heartbeat: defaults::HEARTBEAT, credit: 0, session: None };
        assert_eq!(client(odd), Some(defaults));
        assert_eq!(worker(odd).map(|hello| hello.concurrency), Some(Concurrency::default()));
        assert_eq!(BrokerHello::parse(odd.as_bytes()).map(|hello| hello.name), Some(String::new()));
    }

    #[test]
    fn an_invalid_member_does_not_affect_the_rest_of_a_hello() {
        let hello = worker(r#"{"v":1,"caps":["cancel"],"heartbeat":null,"concurrency":7}"#);
        let concurrency = Concurrency::Limited(7);
        let capabilities = Capabilities { cancel: true, ..NONE };
        assert_eq!(hello, Some(WorkerHello { capabilities, heartbeat: defaults::HEARTBEAT, concurrency }));
    }

    #[test]
    fn unknown_capabilities_are_passed_by() {
        let hello = client(r#"{"v":1,"caps":["telepathy","credit",5,null,["cancel"],{"codec":1},"Cancel"]}"#);
        assert_eq!(hello.map(|hello| hello.capabilities), Some(Capabilities { credit: true, ..NONE }));
    }

    #[test]
    fn last_of_a_repeated_member_counts() {
        let hello = client(r#"{"v":1,"caps":["cancel"],"caps":["codec"],"heartbeat":5,"heartbeat":7}"#);
        let capabilities = Capabilities { codec: true, ..NONE };
        let heartbeat = Duration::from_millis(7);
        assert_eq!(hello, Some(ClientHello { capabilities, heartbeat, credit: 0, session: None }));
    }

    #[test]
    fn heartbeat_is_believed_within_bounds() {
        let heartbeat = |millis: &str| {
            let hello = client(&format!(r#"{{"v":1,"heartbeat":{millis}}}"#));
            hello.map(|hello| hello.heartbeat)
        };
        assert_eq!(heartbeat("2500"), Some(Duration::from_millis(2_500)));
        assert_eq!(heartbeat("2500.5"), Some(Duration::from_micros(2_500_500)));
        assert_eq!(heartbeat("0"), Some(limits::HEARTBEAT.0));
        assert_eq!(heartbeat("1e18"), Some(limits::HEARTBEAT.1));
        assert_eq!(heartbeat("-1"), Some(defaults::HEARTBEAT));
    }

    #[test]
    fn credit_is_a_number_of_partial_replies() {
        let credit = |number: &str| client(&format!(r#"{{"v":1,"credit":{number}}}"#)).map(|hello| hello.credit);
        assert_eq!(credit("7"), Some(7));
        assert_eq!(credit("7.0"), Some(7));
        assert_eq!(credit("1e18"), Some(u32::MAX));
        for nothing in ["-1", "0.5", "null", "\"many\""] {
            assert_eq!(credit(nothing), Some(0), "{nothing}");
        }
    }

    #[test]
    fn announcements_are_written_in_a_fixed_order() {
        let heartbeat = Duration::from_micros(2_499_001);
        let capabilities = Capabilities::ALL;
        let common = r#"{"v":1,"caps":["cancel","credit","codec"],"heartbeat":2500"#;
        let client = ClientHello { capabilities, heartbeat, credit: 1024, session: Some(2) };
        assert_eq!(client.to_frame(), format!(r#"{common},"credit":1024,"session":2}}"#).as_str());
        assert_eq!(ClientHello::parse(&client.to_frame()).and_then(|hello| hello.session), Some(2));
        let worker = WorkerHello { capabilities, heartbeat, concurrency: Concurrency::Unlimited };
        assert_eq!(worker.to_frame(), format!(r#"{common},"concurrency":-1}}"#).as_str());
        let broker = BrokerHello { capabilities, heartbeat, name: "B\"1".to_owned(), session: None };
        assert_eq!(broker.to_frame(), format!(r#"{common},"name":"B\"1"}}"#).as_str());
        let to_client = BrokerHello { session: Some(7), ..broker };
        assert_eq!(to_client.to_frame(), format!(r#"{common},"name":"B\"1","session":7}}"#).as_str());
        assert_eq!(BrokerHello::parse(&to_client.to_frame()).and_then(|hello| hello.session), Some(7));
    }

    #[test]
    fn peer_without_extensions_still_announces_its_heartbeat() {
        let hello = ClientHello { capabilities: NONE, heartbeat: Duration::from_secs(1), credit: 0, session: None };
        assert_eq!(hello.to_frame(), r#"{"v":1,"caps":[],"heartbeat":1000,"credit":0}"#);
        assert_eq!(ClientHello::parse(&hello.to_frame()), Some(hello));
    }
}
