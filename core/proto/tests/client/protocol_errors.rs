//! The client reports messages that violate the protocol; they end no request.

use super::world::World;

#[test]
fn each_error_has_the_name_that_the_published_client_uses() {
    let mut world = World::alive();
    for (message, name) in [
        ("", "ERR_MSG_HEADER"),
        ("W|4", "ERR_MSG_HEADER"),
        ("X|3||r1", "ERR_MSG_HEADER"),
        ("C", "ERR_MSG_LENGTH"),
        ("C|3", "ERR_MSG_LENGTH"),
        ("C|3|", "ERR_MSG_LENGTH"),
        ("C|2|echo|r1", "ERR_MSG_TYPE"),
        ("C|99||r1|0|1", "ERR_MSG_TYPE"),
        ("C|||r1|0|1", "ERR_MSG_TYPE"),
        ("C|3|||0|1|{}", "ERR_REQ_INVALID"),
        ("C|3||nobody's|0|1|{}", "ERR_REQ_INVALID"),
        ("C|6||nobody's|0|1|{}", "ERR_REQ_INVALID"),
    ] {
        world.receive(message);
        assert_eq!(world.did(), [format!("protocol error {name}")], "{message}");
    }
}

#[test]
fn a_message_without_frames_is_an_error() {
    let mut world = World::alive();
    let outputs = world.owner.receive(Vec::new());
    assert_eq!(outputs.len(), 1);
}

#[test]
fn protocol_errors_end_no_request() {
    let mut world = World::alive();
    world.request(1);
    world.did();
    for message in ["C|2||r1|0|1|{}", "C|5||r1|0|1|{}", "W|3||r1|0|1|{}", "C|3|r1", "C|7||r1|0|1|{}"] {
        world.receive(message);
        assert_eq!(world.did().len(), 1);
    }
    world.receive(&format!("C|3||r1|0|1|{{}}{}", "|".repeat(pigato_proto::limits::MESSAGE_FRAMES)));
    assert_eq!(world.did(), ["protocol error ERR_MSG_LENGTH"]);
    assert_eq!(world.owner.machine.unanswered(), 1);
    world.receive("C|3||r1|0|1|{}");
    assert_eq!(world.did(), ["1 final 0|1|{}"]);
}

#[test]
fn an_id_that_is_too_long_matches_no_request() {
    let mut world = World::alive();
    world.receive(&format!("C|3||{}|0|1|{{}}", "x".repeat(256)));
    assert_eq!(world.did(), ["protocol error ERR_REQ_INVALID"]);
}

#[test]
fn an_invalid_hello_is_a_heartbeat() {
    let mut world = World::up();
    world.receive("C|4|{}");
    world.receive("C|4|nonsense|more");
    assert_eq!(world.did(), ["connected"]);
    world.request(1);
    world.did();
    world.cancel(1);
    assert_eq!(world.did(), ["1 failed C_CANCELLED"]);
}

#[test]
fn a_message_for_the_other_side_confirms_no_connection() {
    let mut world = World::up();
    world.receive("W|4");
    assert_eq!(world.did(), ["protocol error ERR_MSG_HEADER"]);
    world.receive("C|4");
    assert_eq!(world.did(), ["connected"]);
}
