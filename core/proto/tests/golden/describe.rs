//! Describes messages with the members of the golden files; members with default values are left
//! out.

use std::time::Duration;

use pigato_proto::config::{Codec, Concurrency, Timeout};
use pigato_proto::protocol::{
    is_null, BrokerHello, BrokerToClient, BrokerToWorker, Capabilities, ClientHello, ClientToBroker, DecodeError,
    Frame, Metadata, Payload, ReplyKind, ReplyOptions, RequestSettings, Side, Status, ToBroker, WorkerHeartbeat,
    WorkerHello, WorkerToBroker,
};
use serde_json::{json, Map, Value};

use crate::files::Direction;

/// A message as its receiver, the variant, decodes it.
#[derive(Debug)]
pub(crate) enum Message {
    Broker(ToBroker),
    Client(BrokerToClient),
    Worker(BrokerToWorker),
}

impl Message {
    /// Decodes as the receiver does; a request between version 1 peers ends with metadata.
    pub(crate) fn decode(direction: Direction, published: bool, frames: &mut Vec<Frame>) -> Result<Self, DecodeError> {
        match direction {
            Direction::ClientToBroker | Direction::WorkerToBroker => ToBroker::decode(frames).map(Self::Broker),
            Direction::BrokerToClient => BrokerToClient::decode(frames).map(Self::Client),
            Direction::BrokerToWorker => {
                let mut message = BrokerToWorker::decode(frames)?;
                if !published {
                    message.take_metadata();
                }
                Ok(Self::Worker(message))
            }
            Direction::BrokerToSubscribers => panic!("no peer in this test receives publications"),
        }
    }

    pub(crate) fn encode(self) -> Vec<Frame> {
        let mut frames = Vec::new();
        match self {
            Self::Broker(ToBroker::Client(message)) => message.encode(&mut frames),
            Self::Broker(ToBroker::Worker(message)) => message.encode(&mut frames),
            Self::Client(message) => message.encode(&mut frames),
            Self::Worker(message) => message.encode(&mut frames),
        }
        frames
    }

    pub(crate) fn describe(&self) -> Value {
        let (kind, members) = match self {
            Self::Broker(ToBroker::Client(message)) => (client_to_broker::kind(message), of_client(message)),
            Self::Broker(ToBroker::Worker(message)) => (worker_to_broker::kind(message), of_worker(message)),
            Self::Client(message) => (broker_to_client::kind(message), to_client(message)),
            Self::Worker(message) => (broker_to_worker::kind(message), to_worker(message)),
        };
        merged([json!({ "kind": kind }), members])
    }
}

/// Defines a function that names each kind of a message, and the list of these names. A new kind
/// does not compile without a name.
macro_rules! kinds {
    ($($module:ident: $message:ty { $($pattern:pat => $kind:literal,)+ })+) => {
        $(pub(crate) mod $module {
            use super::*;

            pub(crate) const KINDS: &[&str] = &[$($kind),+];

            pub(crate) fn kind(message: &$message) -> &'static str {
                match message { $($pattern => $kind,)+ }
            }
        })+
    };
}

kinds! {
    client_to_broker: ClientToBroker {
        ClientToBroker::Request { .. } => "request",
        ClientToBroker::Heartbeat => "heartbeat",
        ClientToBroker::Hello(_) => "hello",
        ClientToBroker::RequestHeartbeat { .. } => "request-heartbeat",
        ClientToBroker::WorkerLiveness(_) => "worker-liveness",
        ClientToBroker::Cancel(_) => "cancel",
        ClientToBroker::Credit { .. } => "credit",
    }
    broker_to_client: BrokerToClient {
        BrokerToClient::Heartbeat => "heartbeat",
        BrokerToClient::Hello(_) => "hello",
        BrokerToClient::Reply { kind: ReplyKind::Final, .. } => "reply",
        BrokerToClient::Reply { kind: ReplyKind::Partial, .. } => "partial-reply",
    }
    worker_to_broker: WorkerToBroker {
        WorkerToBroker::Ready { .. } => "ready",
        WorkerToBroker::Heartbeat(_) => "heartbeat",
        WorkerToBroker::Reply { kind: ReplyKind::Final, .. } => "reply",
        WorkerToBroker::Reply { kind: ReplyKind::Partial, .. } => "partial-reply",
        WorkerToBroker::Reject { .. } => "reject",
        WorkerToBroker::Disconnect => "disconnect",
    }
    broker_to_worker: BrokerToWorker {
        BrokerToWorker::Ready(_) => "ready",
        BrokerToWorker::Request { .. } => "request",
        BrokerToWorker::Heartbeat => "heartbeat",
        BrokerToWorker::RequestHeartbeat { .. } => "request-heartbeat",
        BrokerToWorker::Disconnect => "disconnect",
        BrokerToWorker::Cancel { .. } => "cancel",
        BrokerToWorker::Credit { .. } => "credit",
    }
}

fn of_client(message: &ClientToBroker) -> Value {
    match message {
        ClientToBroker::Request { service, id, data, options, extra } => merged([
            json!({ "service": bytes(service.as_bytes()), "id": bytes(id.as_bytes()) }),
            request(data, options, extra),
        ]),
        ClientToBroker::Heartbeat => json!({}),
        ClientToBroker::Hello(hello) => client_hello(hello),
        ClientToBroker::RequestHeartbeat { id, answered } => {
            merged([json!({ "id": bytes(id.as_bytes()) }), member("answered", answered.then_some(true))])
        }
        ClientToBroker::WorkerLiveness(worker) => json!({ "worker": bytes(worker) }),
        ClientToBroker::Cancel(id) => json!({ "id": bytes(id.as_bytes()) }),
        ClientToBroker::Credit { id, partials } => json!({ "id": bytes(id.as_bytes()), "partials": partials }),
    }
}

fn to_client(message: &BrokerToClient) -> Value {
    match message {
        BrokerToClient::Heartbeat => json!({}),
        BrokerToClient::Hello(hello) => broker_hello(hello),
        BrokerToClient::Reply { id, payload: reply, .. } => merged([json!({ "id": bytes(id) }), payload(reply)]),
    }
}

fn of_worker(message: &WorkerToBroker) -> Value {
    match message {
        WorkerToBroker::Ready { service, hello } => {
            merged([json!({ "service": bytes(service.as_bytes()) }), member("hello", hello.as_ref().map(worker_hello))])
        }
        WorkerToBroker::Heartbeat(WorkerHeartbeat { concurrency, update }) => merged([
            member("concurrency", concurrency.map(Concurrency::as_number)),
            member("update", update.then_some(true)),
        ]),
        WorkerToBroker::Reply { client, id, payload: reply, .. }
        | WorkerToBroker::Reject { client, id, payload: reply } => {
            merged([address(client.as_bytes(), id.as_bytes()), payload(reply)])
        }
        WorkerToBroker::Disconnect => json!({}),
    }
}

fn to_worker(message: &BrokerToWorker) -> Value {
    match message {
        BrokerToWorker::Ready(hello) => member("hello", hello.as_ref().map(broker_hello)),
        BrokerToWorker::Request { client, service, id, data, options, extra, metadata } => merged([
            address(client.as_bytes(), id.as_bytes()),
            json!({ "service": bytes(service.as_bytes()) }),
            request(data, options, extra),
            member("metadata", metadata.as_ref().map(describe_metadata)),
        ]),
        BrokerToWorker::Heartbeat | BrokerToWorker::Disconnect => json!({}),
        BrokerToWorker::RequestHeartbeat { client, id } | BrokerToWorker::Cancel { client, id } => {
            address(client.as_bytes(), id.as_bytes())
        }
        BrokerToWorker::Credit { client, id, partials } => {
            merged([address(client.as_bytes(), id.as_bytes()), json!({ "partials": partials })])
        }
    }
}

fn address(client: &[u8], id: &[u8]) -> Value {
    json!({ "client": bytes(client), "id": bytes(id) })
}

fn request(data: &Frame, options: &Frame, extra: &[Frame]) -> Value {
    merged([
        json!({ "data": bytes(data), "options": bytes(options) }),
        common(data, extra),
        member("settings", not_empty(settings(&RequestSettings::parse(options)))),
    ])
}

fn payload(payload: &Payload) -> Value {
    let outcome = match payload.parsed_status() {
        Status::Ok => "ok",
        Status::Error => "error",
    };
    merged([
        json!({ "status": bytes(&payload.status), "outcome": outcome, "data": bytes(&payload.data) }),
        member("options", payload.options.as_deref().map(bytes)),
        common(&payload.data, &payload.extra),
        member("settings", not_empty(reply_settings(payload.parsed_options()))),
    ])
}

fn common(data: &[u8], extra: &[Frame]) -> Value {
    let extra: Vec<Value> = extra.iter().map(|frame| bytes(frame)).collect();
    merged([member("no_data", is_null(data).then_some(true)), member("extra", (!extra.is_empty()).then_some(extra))])
}

/// The settings that differ from the defaults.
fn settings(settings: &RequestSettings) -> Value {
    let RequestSettings { timeout, retry, worker_id, no_cache, persist, fail_fast, codec } = settings;
    merged([
        member("timeout", (*timeout != Timeout::default()).then(|| describe_timeout(*timeout))),
        member("retry", retry.then_some(true)),
        member("workerId", worker_id.clone()),
        member("nocache", no_cache.then_some(true)),
        member("persist", persist.then_some(true)),
        member("failFast", fail_fast.then_some(true)),
        describe_codec(*codec),
    ])
}

fn reply_settings(ReplyOptions { cache, codec }: ReplyOptions) -> Value {
    merged([member("cache", cache.map(millis)), describe_codec(codec)])
}

fn describe_codec(codec: Codec) -> Value {
    member("codec", (codec == Codec::Raw).then_some("raw"))
}

fn describe_metadata(Metadata { remaining, attempt, credit }: &Metadata) -> Value {
    let remaining = describe_timeout(*remaining);
    merged([json!({ "remaining": remaining, "attempt": attempt }), member("credit", *credit)])
}

fn client_hello(ClientHello { capabilities, heartbeat, credit, session }: &ClientHello) -> Value {
    let hello = json!({ "capabilities": names(*capabilities), "heartbeat": millis(*heartbeat), "credit": credit });
    with_session(hello, *session)
}

fn worker_hello(WorkerHello { capabilities, heartbeat, concurrency }: &WorkerHello) -> Value {
    let concurrency = concurrency.as_number();
    json!({ "capabilities": names(*capabilities), "heartbeat": millis(*heartbeat), "concurrency": concurrency })
}

fn broker_hello(BrokerHello { capabilities, heartbeat, name, session }: &BrokerHello) -> Value {
    let hello = json!({ "capabilities": names(*capabilities), "heartbeat": millis(*heartbeat), "name": name });
    with_session(hello, *session)
}

fn with_session(mut hello: Value, session: Option<u64>) -> Value {
    if let Some(session) = session {
        hello["session"] = Value::from(session);
    }
    hello
}

fn names(Capabilities { cancel, credit, codec }: Capabilities) -> Vec<&'static str> {
    let named = [(cancel, "cancel"), (credit, "credit"), (codec, "codec")];
    named.into_iter().filter_map(|(on, name)| on.then_some(name)).collect()
}

pub(crate) fn error(error: &DecodeError) -> Value {
    let side = error.side.map(|side| match side {
        Side::Client => "client",
        Side::Worker => "worker",
    });
    let refused = error.refused_request.as_ref();
    merged([
        json!({ "malformed": format!("{:?}", error.malformed), "event": error.malformed.published_name() }),
        json!({ "side": side }),
        member("refused_request", refused.map(|id| id.as_ref().map(|id| bytes(id.as_bytes())))),
    ])
}

fn describe_timeout(timeout: Timeout) -> Value {
    timeout.duration().map_or(json!(-1), millis)
}

fn millis(duration: Duration) -> Value {
    if duration.subsec_nanos().is_multiple_of(1_000_000) {
        json!(duration.as_millis() as u64)
    } else {
        json!(duration.as_nanos() as f64 / 1e6)
    }
}

/// Bytes as in the golden files: text if they are UTF-8, else hexadecimal.
fn bytes(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) => json!(text),
        Err(_) => json!({ "hex": bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>() }),
    }
}

/// An object with this member, or an empty one.
fn member(name: &str, value: Option<impl Into<Value>>) -> Value {
    value.map(|value| (name.to_owned(), value.into())).into_iter().collect::<Map<_, _>>().into()
}

fn not_empty(object: Value) -> Option<Value> {
    object.as_object().is_some_and(|members| !members.is_empty()).then_some(object)
}

fn merged<const N: usize>(objects: [Value; N]) -> Value {
    let members = objects.into_iter().flat_map(|object| match object {
        Value::Object(members) => members,
        other => panic!("not an object: {other}"),
    });
    members.collect::<Map<_, _>>().into()
}
