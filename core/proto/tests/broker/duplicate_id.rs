//! A client that sends a request twice on one connection gets one reply.

use pigato_proto::broker::{Event, Violation};

use super::world::World;

#[test]
fn a_second_request_with_a_pending_id_is_counted_and_ignored() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.events();
    world.request("c1", "other", "r1");
    assert_eq!(world.jobs("w1"), ["r1"]);
    assert_eq!(world.statistics().protocol_errors, 1);
    assert!(matches!(&world.events()[..], [Event::ProtocolError { error: Violation::DuplicateRequest, .. }]));

    world.reply("w1", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
}

#[test]
fn with_retry_a_second_request_is_no_protocol_error() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request_with("c1", "echo", "r1", r#"{"retry":1}"#);
    world.resend_with("c1", "echo", "r1", r#"{"retry":1}"#);
    assert_eq!(world.jobs("w1"), ["r1"]);
    assert_eq!(world.statistics().protocol_errors, 0);
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
}

#[test]
fn an_id_can_be_reused_after_its_request_has_ended() {
    let mut world = World::new();
    world.worker("w1", "echo");
    for _ in 0..2 {
        world.request("c1", "echo", "r1");
        world.reply("w1", "r1");
    }
    assert_eq!(world.outcomes("c1"), ["r1 ok", "r1 ok"]);
}
