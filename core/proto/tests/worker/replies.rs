//! The frames of replies; each request has exactly one final reply.

use pigato_proto::protocol::{Frame, Payload, ReplyKind, Status};

use super::world::World;

#[test]
fn replies_have_eight_frames() {
    let mut world = World::published();
    world.request("r1");
    assert!(world.partial(1, "1"));
    assert!(world.partial(1, "2"));
    assert!(world.reply(1, "3"));
    assert_eq!(world.did(), ["W|6|c1||r1|0|1|{}", "W|6|c1||r1|0|2|{}", "W|3|c1||r1|0|3|{}"]);
}

#[test]
fn an_error_is_a_final_reply_with_status_minus_one() {
    let mut world = World::published();
    world.request("r1");
    let error = Payload::new(Status::Error, Frame::from(r#""broken""#), Frame::from("{}"));
    assert!(world.reply_with(1, ReplyKind::Final, error));
    assert_eq!(world.did(), [r#"W|3|c1||r1|-1|"broken"|{}"#]);
}

#[test]
fn replies_always_have_options() {
    let mut world = World::published();
    world.request("r1");
    let bare = Payload { status: Status::Ok.into(), data: Frame::from("1"), options: None, extra: Vec::new() };
    assert!(world.reply_with(1, ReplyKind::Partial, bare.clone()));
    assert!(world.reply_with(1, ReplyKind::Final, bare));
    assert_eq!(world.did(), ["W|6|c1||r1|0|1|{}", "W|3|c1||r1|0|1|{}"]);
}

#[test]
fn no_reply_is_accepted_after_the_final_one() {
    let mut world = World::published();
    world.request("r1");
    assert!(world.reply(1, "1"));
    world.did();
    assert!(!world.reply(1, "2"));
    assert!(!world.partial(1, "2"));
    assert!(!world.reject(1, "null"));
    assert!(world.did().is_empty());
    assert_eq!(world.owner.machine.in_flight(), 0);
}

#[test]
fn replies_to_unknown_requests_are_dropped() {
    let mut world = World::published();
    assert!(!world.reply(1, "1"));
    assert!(!world.partial(0, "1"));
    assert!(world.did().is_empty());
}

#[test]
fn requests_can_be_answered_in_any_order() {
    let mut world = World::published();
    for id in ["r1", "r2", "r3"] {
        world.request(id);
    }
    for number in [3, 1, 2] {
        assert!(world.reply(number, "1"));
    }
    assert_eq!(world.did(), ["W|3|c1||r3|0|1|{}", "W|3|c1||r1|0|1|{}", "W|3|c1||r2|0|1|{}"]);
}
