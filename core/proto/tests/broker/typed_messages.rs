//! The protocol's types, as this crate's client and worker send them, equal the frames.

use std::time::Duration;

use pigato_proto::config::Concurrency;
use pigato_proto::protocol::{
    Capabilities, ClientHello, ClientToBroker, Frame, Payload, PeerId, ReplyKind, ServiceName, Status, WorkerHello,
    WorkerToBroker,
};

use super::world::{request_id, World};

#[test]
fn a_request_with_all_extensions() {
    let mut world = World::new();
    let heartbeat = Duration::from_secs(1);
    let service = ServiceName::new(Frame::from("echo")).expect("a name");
    let hello = WorkerHello { capabilities: Capabilities::ALL, heartbeat, concurrency: Concurrency::Limited(1) };
    world.send_worker("w1", WorkerToBroker::Ready { service: service.clone(), hello: Some(hello) });
    world.send_client(
        "c1",
        ClientToBroker::Hello(ClientHello { capabilities: Capabilities::ALL, heartbeat, credit: 2, session: Some(1) }),
    );
    for id in ["r1", "r2"] {
        let (data, options) = (Frame::from("1"), Frame::from("{}"));
        let (service, id) = (service.clone(), request_id(id));
        world.send_client("c1", ClientToBroker::Request { service, id, data, options, extra: Vec::new() });
    }
    world.send_client("c1", ClientToBroker::Credit { id: request_id("r1"), partials: 3 });
    world.send_client("c1", ClientToBroker::RequestHeartbeat { id: request_id("r1"), answered: false });
    for kind in [ReplyKind::Partial, ReplyKind::Final] {
        let payload = Payload::new(Status::Ok, Frame::from("2"), Frame::from("{}"));
        let client = PeerId::new(Frame::from("c1"));
        world.send_worker("w1", WorkerToBroker::Reply { kind, client, id: request_id("r1"), payload });
    }
    world.send_client("c1", ClientToBroker::Cancel(request_id("r2")));
    world.send_worker("w1", WorkerToBroker::Disconnect);

    let metadata = r#"{"remaining":60000,"attempt":1,"credit":2}"#;
    assert_eq!(
        world.received("w1")[1..],
        [
            format!("W|2|c1|echo||r1|1|{{}}|{metadata}"),
            "W|9|c1||r1|3".to_owned(),
            "W|4|c1||r1".to_owned(),
            format!("W|2|c1|echo||r2|1|{{}}|{metadata}"),
            "W|8|c1||r2".to_owned(),
        ]
    );
    assert_eq!(world.statistics().workers, 0);
    assert_eq!(world.outcomes("c1"), ["r1 partial", "r1 ok"]);
}
