//! The worker reports messages that violate the protocol; they end no request.

use super::world::World;

#[test]
fn each_error_has_the_name_that_the_published_peers_use() {
    let mut world = World::alive();
    for (message, name) in [
        ("", "ERR_MSG_HEADER"),
        ("C|4", "ERR_MSG_HEADER"),
        ("W", "ERR_MSG_LENGTH"),
        ("W|2|c1", "ERR_MSG_LENGTH"),
        ("W|2|c1|||r1|1|{}", "ERR_MSG_LENGTH"),
        ("W|3|c1||r1|0|1|{}", "ERR_MSG_TYPE"),
        ("W||c1||r1", "ERR_MSG_TYPE"),
        ("W|2|c1|echo|", "ERR_REQ_INVALID"),
        ("W|2|c1|echo|||1|{}", "ERR_REQ_INVALID"),
        ("W|4|c1||", "ERR_REQ_INVALID"),
        ("W|8|c1|", "ERR_REQ_INVALID"),
        ("W|9|c1||r1", "ERR_MSG_TYPE"),
        ("W|9|c1||r1|0", "ERR_MSG_TYPE"),
        ("W|9|c1||r1|-1", "ERR_MSG_TYPE"),
        ("W|9|c1||r1|4294967296", "ERR_MSG_TYPE"),
    ] {
        world.receive(message);
        assert_eq!(world.did(), [format!("protocol error {name}")], "{message}");
    }
}

#[test]
fn protocol_errors_end_no_request() {
    let mut world = World::alive();
    world.request("r1");
    for message in ["W|3|c1||r1|0|1|{}", "W|9|c1||r1|x", "C|8||r1", "W|7|c1||r1", "W|88|c1||r1"] {
        world.receive(message);
        assert_eq!(world.did().len(), 1, "{message}");
    }
    assert!(world.reply(1, "1"));
}

#[test]
fn a_message_for_the_other_side_confirms_no_connection() {
    let mut world = World::up();
    world.receive("C|4");
    assert_eq!(world.did(), ["protocol error ERR_MSG_HEADER"]);
    world.receive("W|4");
    assert_eq!(world.did(), ["connected"]);
}
