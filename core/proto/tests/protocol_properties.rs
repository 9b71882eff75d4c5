//! Properties of every message, whatever its content.

use std::time::Duration;

use pigato_proto::config::{Concurrency, Timeout};
use pigato_proto::limits;
use pigato_proto::protocol::{
    BrokerHello, BrokerToClient, BrokerToWorker, Capabilities, ClientHello, ClientToBroker, Frame, Metadata, Payload,
    PeerId, ReplyKind, ReplyOptions, RequestId, RequestSettings, ServiceName, ToBroker, WorkerHeartbeat, WorkerHello,
    WorkerToBroker,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

// Messages as this implementation sends them. Two cases are excluded because decoding normalises
// them: a request heartbeat in the older form whose id begins like JSON, and extra frames after
// missing options.

fn frame() -> impl Strategy<Value = Frame> {
    vec(any::<u8>(), 0..80).prop_map(Frame::from)
}

fn extra() -> impl Strategy<Value = Vec<Frame>> {
    vec(frame(), 0..3)
}

fn name() -> impl Strategy<Value = Frame> {
    prop_oneof![vec(any::<u8>(), 1..40), vec(any::<u8>(), 255)].prop_map(Frame::from)
}

fn id() -> impl Strategy<Value = RequestId> {
    name().prop_map(|name| RequestId::new(name).expect("1 to 255 bytes"))
}

fn service() -> impl Strategy<Value = ServiceName> {
    name().prop_map(|name| ServiceName::new(name).expect("1 to 255 bytes"))
}

fn peer() -> impl Strategy<Value = PeerId> {
    frame().prop_map(PeerId::new)
}

fn kind() -> impl Strategy<Value = ReplyKind> {
    prop_oneof![Just(ReplyKind::Partial), Just(ReplyKind::Final)]
}

fn payload() -> impl Strategy<Value = Payload> {
    (frame(), frame(), option::of((frame(), extra()))).prop_map(|(status, data, rest)| {
        let (options, extra) = rest.map_or((None, Vec::new()), |(options, extra)| (Some(options), extra));
        Payload { status: status.into(), data, options, extra }
    })
}

fn capabilities() -> impl Strategy<Value = Capabilities> {
    any::<[bool; 3]>().prop_map(|[cancel, credit, codec]| Capabilities { cancel, credit, codec })
}

fn heartbeat() -> impl Strategy<Value = Duration> {
    let (shortest, longest) = limits::HEARTBEAT;
    (shortest.as_millis() as u64..=longest.as_millis() as u64).prop_map(Duration::from_millis)
}

fn concurrency() -> impl Strategy<Value = Concurrency> {
    prop_oneof![Just(Concurrency::Unlimited), (1..=u32::MAX).prop_map(Concurrency::Limited)]
}

fn session() -> impl Strategy<Value = Option<u64>> {
    option::of(0..1_u64 << 53)
}

fn client_hello() -> impl Strategy<Value = ClientHello> {
    (capabilities(), heartbeat(), any::<u32>(), session())
        .prop_map(|(capabilities, heartbeat, credit, session)| ClientHello { capabilities, heartbeat, credit, session })
}

fn worker_hello() -> impl Strategy<Value = WorkerHello> {
    (capabilities(), heartbeat(), concurrency()).prop_map(|(capabilities, heartbeat, concurrency)| WorkerHello {
        capabilities,
        heartbeat,
        concurrency,
    })
}

fn broker_hello() -> impl Strategy<Value = BrokerHello> {
    (capabilities(), heartbeat(), any::<String>(), session())
        .prop_map(|(capabilities, heartbeat, name, session)| BrokerHello { capabilities, heartbeat, name, session })
}

fn metadata() -> impl Strategy<Value = Metadata> {
    let month = 31 * 24 * 3_600 * 1_000_u64;
    let after = (0..=month).prop_map(|millis| Timeout::After(Duration::from_millis(millis)));
    (prop_oneof![Just(Timeout::Never), after], 1..=u32::MAX, option::of(any::<u32>()))
        .prop_map(|(remaining, attempt, credit)| Metadata { remaining, attempt, credit })
}

fn from_client() -> impl Strategy<Value = ClientToBroker> {
    let request = (service(), id(), frame(), frame(), extra())
        .prop_map(|(service, id, data, options, extra)| ClientToBroker::Request { service, id, data, options, extra });
    let request_heartbeat = (id(), any::<bool>())
        .prop_filter("begins like JSON", |(id, answered)| !answered || id.as_bytes()[0] != b'{')
        .prop_map(|(id, answered)| ClientToBroker::RequestHeartbeat { id, answered });
    prop_oneof![
        4 => request,
        1 => Just(ClientToBroker::Heartbeat),
        2 => client_hello().prop_map(ClientToBroker::Hello),
        2 => request_heartbeat,
        1 => frame().prop_map(ClientToBroker::WorkerLiveness),
        1 => id().prop_map(ClientToBroker::Cancel),
        1 => (id(), 1..=u32::MAX).prop_map(|(id, partials)| ClientToBroker::Credit { id, partials }),
    ]
}

fn from_worker() -> impl Strategy<Value = WorkerToBroker> {
    let ready = (service(), option::of(worker_hello()));
    let heartbeat = (option::of(concurrency()), any::<bool>());
    prop_oneof![
        2 => ready.prop_map(|(service, hello)| WorkerToBroker::Ready { service, hello }),
        2 => heartbeat
            .prop_map(|(concurrency, update)| WorkerToBroker::Heartbeat(WorkerHeartbeat { concurrency, update })),
        4 => (kind(), peer(), id(), payload())
            .prop_map(|(kind, client, id, payload)| WorkerToBroker::Reply { kind, client, id, payload }),
        2 => (peer(), id(), payload()).prop_map(|(client, id, payload)| WorkerToBroker::Reject { client, id, payload }),
        1 => Just(WorkerToBroker::Disconnect),
    ]
}

fn to_client() -> impl Strategy<Value = BrokerToClient> {
    prop_oneof![
        1 => Just(BrokerToClient::Heartbeat),
        2 => broker_hello().prop_map(BrokerToClient::Hello),
        4 => (kind(), frame(), payload())
            .prop_map(|(kind, id, payload)| BrokerToClient::Reply { kind, id, payload }),
    ]
}

/// Without metadata, which a worker that does not expect it would read as an extra frame.
fn request_to_worker() -> impl Strategy<Value = BrokerToWorker> {
    (peer(), service(), id(), frame(), frame(), extra()).prop_map(|(client, service, id, data, options, extra)| {
        BrokerToWorker::Request { client, service, id, data, options, extra, metadata: None }
    })
}

fn to_worker() -> impl Strategy<Value = BrokerToWorker> {
    prop_oneof![
        1 => option::of(broker_hello()).prop_map(BrokerToWorker::Ready),
        4 => request_to_worker(),
        1 => Just(BrokerToWorker::Heartbeat),
        1 => (peer(), id()).prop_map(|(client, id)| BrokerToWorker::RequestHeartbeat { client, id }),
        1 => Just(BrokerToWorker::Disconnect),
        1 => (peer(), id()).prop_map(|(client, id)| BrokerToWorker::Cancel { client, id }),
        1 => (peer(), id(), 1..=u32::MAX)
            .prop_map(|(client, id, partials)| BrokerToWorker::Credit { client, id, partials }),
    ]
}

// Messages from foreign peers: mostly invalid, but not so invalid that decoding ends at the first
// frame.

fn near_json() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        any::<f64>().prop_map(|number| number.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        "[0-9]{1,30}(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,4})?",
        "\"[ -~]{0,8}\"",
        "[\\[\\]{}:,\"0-9a-z\\\\ ]{0,12}",
        Just("null".to_owned()),
        Just("[\"cancel\",\"credit\"]".to_owned()),
    ];
    let key = prop::sample::select(vec![
        "v",
        "caps",
        "heartbeat",
        "concurrency",
        "credit",
        "name",
        "update",
        "remaining",
        "attempt",
        "timeout",
        "retry",
        "workerId",
        "nocache",
        "persist",
        "failFast",
        "codec",
        "cache",
        "\\ud800",
        "x",
    ]);
    vec((key, value), 0..5).prop_map(|members| {
        let members: Vec<String> = members.into_iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    })
}

fn near_frame() -> impl Strategy<Value = Frame> {
    let word = prop::sample::select(vec![
        "",
        "C",
        "W",
        "0",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        "7",
        "8",
        "9",
        "-1",
        "request",
        "req",
        "worker",
        "echo",
        "rid",
        "null",
        "undefined",
        "{}",
        "{",
        "[]",
    ]);
    prop_oneof![
        6 => word.prop_map(Frame::from),
        3 => near_json().prop_map(Frame::from),
        1 => frame(),
        1 => vec(any::<u8>(), 250..260).prop_map(Frame::from),
    ]
}

fn near_message() -> impl Strategy<Value = Vec<Frame>> {
    let head = (prop::sample::select(vec!["C", "W"]), 0..=10_u8);
    let near = (head, vec(near_frame(), 0..=10)).prop_map(|((side, message_type), rest)| {
        let head = [Frame::from(side), Frame::from(message_type.to_string())];
        head.into_iter().chain(rest).collect()
    });
    prop_oneof![3 => near, 1 => vec(near_frame(), 0..=12), 1 => vec(frame(), 0..=12)]
}

fn encoded(encode: impl FnOnce(&mut Vec<Frame>)) -> Vec<Frame> {
    let mut frames = Vec::new();
    encode(&mut frames);
    frames
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn messages_from_a_client_decode_to_themselves(message in from_client()) {
        let mut frames = encoded(|frames| message.clone().encode(frames));
        prop_assert_eq!(ToBroker::decode(&mut frames), Ok(ToBroker::Client(message)));
        prop_assert!(frames.is_empty());
    }

    #[test]
    fn messages_from_a_worker_decode_to_themselves(message in from_worker()) {
        let mut frames = encoded(|frames| message.clone().encode(frames));
        prop_assert_eq!(ToBroker::decode(&mut frames), Ok(ToBroker::Worker(message)));
        prop_assert!(frames.is_empty());
    }

    #[test]
    fn messages_to_a_client_decode_to_themselves(message in to_client()) {
        let mut frames = encoded(|frames| message.clone().encode(frames));
        prop_assert_eq!(BrokerToClient::decode(&mut frames), Ok(message));
        prop_assert!(frames.is_empty());
    }

    #[test]
    fn messages_to_a_worker_decode_to_themselves(message in to_worker()) {
        let mut frames = encoded(|frames| message.clone().encode(frames));
        prop_assert_eq!(BrokerToWorker::decode(&mut frames), Ok(message));
        prop_assert!(frames.is_empty());
    }

    #[test]
    fn metadata_is_distinguished_from_the_clients_frames(request in request_to_worker(), added in metadata()) {
        let mut sent = request;
        if let BrokerToWorker::Request { metadata, .. } = &mut sent {
            *metadata = Some(added);
        }
        let mut frames = encoded(|frames| sent.clone().encode(frames));
        let mut received = BrokerToWorker::decode(&mut frames).expect("a request");
        received.take_metadata();
        prop_assert_eq!(received, sent);
    }

    #[test]
    fn the_body_of_a_request_passes_the_broker_unchanged(service in name(), id in name(), body in vec(frame(), 2..6)) {
        let head = [Frame::from("C"), Frame::from("2"), service];
        let sent: Vec<Frame> = head.into_iter().chain([id]).chain(body).collect();
        let decoded = ToBroker::decode(&mut sent.clone());
        let Ok(ToBroker::Client(ClientToBroker::Request { service, id, data, options, extra })) = decoded else {
            return Err(TestCaseError::fail(format!("not a request: {decoded:?}")));
        };
        let client = PeerId::new(Frame::from("C-1"));
        let request = BrokerToWorker::Request { client, service, id, data, options, extra, metadata: None };
        let handed_on = encoded(|frames| request.encode(frames));
        prop_assert_eq!(&handed_on[5..], &sent[3..]);
    }

    #[test]
    fn the_body_of_a_reply_passes_the_broker_unchanged(client in frame(), id in name(), body in vec(frame(), 2..6)) {
        let head = [Frame::from("W"), Frame::from("6"), client, Frame::default(), id];
        let sent: Vec<Frame> = head.into_iter().chain(body).collect();
        let decoded = ToBroker::decode(&mut sent.clone());
        let Ok(ToBroker::Worker(WorkerToBroker::Reply { kind, id, payload, .. })) = decoded else {
            return Err(TestCaseError::fail(format!("not a reply: {decoded:?}")));
        };
        let reply = BrokerToClient::Reply { kind, id: id.to_frame(), payload };
        let passed_on = encoded(|frames| reply.encode(frames));
        prop_assert_eq!(&passed_on[3..], &sent[4..]);
    }

    #[test]
    fn no_message_makes_the_broker_panic(message in near_message()) {
        let mut frames = message;
        let decoded = ToBroker::decode(&mut frames);
        prop_assert!(frames.is_empty());
        // An accepted message is encoded to an accepted message with the same meaning.
        let written = match decoded {
            Ok(ToBroker::Client(message)) => encoded(|frames| message.encode(frames)),
            Ok(ToBroker::Worker(message)) => encoded(|frames| message.encode(frames)),
            Err(_) => return Ok(()),
        };
        let again = match ToBroker::decode(&mut written.clone()) {
            Ok(ToBroker::Client(message)) => encoded(|frames| message.encode(frames)),
            Ok(ToBroker::Worker(message)) => encoded(|frames| message.encode(frames)),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        prop_assert_eq!(again, written);
    }

    #[test]
    fn no_message_makes_a_client_panic(message in near_message()) {
        let mut frames = message;
        let decoded = BrokerToClient::decode(&mut frames);
        prop_assert!(frames.is_empty());
        if let Ok(message) = decoded {
            let mut written = encoded(|frames| message.clone().encode(frames));
            let again = BrokerToClient::decode(&mut written);
            prop_assert!(again.is_ok(), "{message:?}");
        }
    }

    #[test]
    fn no_message_makes_a_worker_panic(message in near_message()) {
        let mut frames = message;
        let decoded = BrokerToWorker::decode(&mut frames);
        prop_assert!(frames.is_empty());
        if let Ok(mut message) = decoded {
            message.take_metadata();
            let mut written = encoded(|frames| message.clone().encode(frames));
            let again = BrokerToWorker::decode(&mut written);
            prop_assert!(again.is_ok(), "{message:?}");
        }
    }

    #[test]
    fn no_options_make_a_parser_panic(options in prop_oneof![near_json().prop_map(Frame::from), near_frame()]) {
        let settings = RequestSettings::parse(&options);
        prop_assert!(settings.timeout.duration().is_none_or(|timeout| timeout <= limits::DURATION));
        prop_assert_ne!(settings.worker_id.as_deref(), Some(""));
        let cache = ReplyOptions::parse(&options).cache;
        prop_assert!(cache.is_none_or(|time| !time.is_zero() && time <= limits::DURATION));
    }

    #[test]
    fn options_parse_as_a_json_parser_parses_them(json in near_json()) {
        let Ok(parsed) = serde_json::from_str::<serde_json::Value>(&json) else {
            return Ok(());
        };
        let truthy = |name: &str| match &parsed[name] {
            serde_json::Value::Null => false,
            serde_json::Value::Bool(flag) => *flag,
            serde_json::Value::Number(number) => number.as_f64() != Some(0.0),
            serde_json::Value::String(text) => !text.is_empty(),
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => true,
        };
        let settings = RequestSettings::parse(json.as_bytes());
        prop_assert_eq!(settings.retry, truthy("retry"));
        prop_assert_eq!(settings.no_cache, truthy("nocache"));
        prop_assert_eq!(settings.persist, truthy("persist"));
        prop_assert_eq!(settings.fail_fast, truthy("failFast"));
        let worker_id = parsed["workerId"].as_str().filter(|id| !id.is_empty());
        prop_assert_eq!(settings.worker_id.as_deref(), worker_id);
    }
}
