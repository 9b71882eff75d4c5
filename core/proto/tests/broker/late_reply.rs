//! The broker drops and counts replies to a request that it ended itself; the worker is not at
//! fault.

use super::world::{ms, World};

/// A world in which `r1` was delivered to `w1` and then ended by the broker.
fn ended(way: fn(&mut World)) -> World {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request_with("c1", "echo", "r1", r#"{"timeout":1000}"#);
    way(&mut world);
    assert_eq!(world.statistics().in_flight, 0);
    world.received("w1");
    world
}

const WAYS: [fn(&mut World); 3] =
    [|world| world.advance(ms(1_000)), |world| world.send("c1", "C|8||r1"), |world| world.unroutable("c1")];

#[test]
fn a_late_final_reply_is_dropped_and_counted() {
    for way in WAYS {
        let mut world = ended(way);
        world.reply("w1", "r1");
        assert!(world.received("c1").is_empty());
        assert!(world.received("w1").is_empty());
        assert_eq!(world.statistics().late_replies, 1);
        assert_eq!(world.statistics().protocol_errors, 0);
    }
}

#[test]
fn late_partial_replies_and_the_final_one_are_dropped_and_counted() {
    for way in WAYS {
        let mut world = ended(way);
        world.partial("w1", "r1");
        world.partial("w1", "r1");
        world.reply("w1", "r1");
        assert!(world.received("c1").is_empty());
        assert_eq!(world.statistics().late_replies, 3);
        assert_eq!(world.statistics().workers, 1);
    }
}

#[test]
fn a_late_reject_is_dropped_and_counted() {
    for way in WAYS {
        let mut world = ended(way);
        world.reject("w1", "r1");
        assert_eq!(world.statistics().late_replies, 1);
        assert_eq!(world.statistics().rejects, 0);
        assert_eq!(world.statistics().workers, 1);
    }
}

#[test]
fn late_replies_to_several_requests_are_distinguished() {
    let mut world = World::new();
    world.worker("w1", "echo");
    for number in 0..50 {
        world.request_with("c1", "echo", &format!("r{number}"), r#"{"timeout":10}"#);
    }
    world.request("c1", "echo", "alive");
    world.advance(ms(10));
    for number in (0..50).rev() {
        world.reply("w1", &format!("r{number}"));
    }
    world.reply("w1", "alive");
    assert_eq!(world.outcomes("c1"), ["alive ok"]);
    assert_eq!(world.statistics().late_replies, 50);
    assert_eq!(world.statistics().workers, 1);
}

#[test]
fn a_second_late_final_reply_is_a_protocol_error() {
    let mut world = ended(WAYS[0]);
    world.reply("w1", "r1");
    world.send("w1", "W|3|c1||r1|0|2|{}");
    assert_eq!(world.received("w1"), ["W|5"]);
}

#[test]
fn the_slot_of_the_ended_request_is_free() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request_with("c1", "echo", "r1", r#"{"timeout":10}"#);
    world.advance(ms(10));
    world.request("c1", "echo", "r2");
    assert_eq!(world.jobs("w1"), ["r1", "r2"]);
    world.reply("w1", "r1");
    assert_eq!(world.statistics().in_flight, 1);
    world.reply("w1", "r2");
    assert_eq!(world.outcomes("c1"), ["r2 ok"]);
}

#[test]
fn a_late_reply_after_a_drain_is_dropped_and_counted() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.drain(ms(100));
    world.advance(ms(100));
    assert_eq!(world.outcomes("c1"), ["r1 B_DRAINING"]);
    world.send("w1", "W|3|c1||r1|0|2|{}");
    assert!(world.received("c1").is_empty());
}

#[test]
fn a_late_reply_older_than_all_tombstones_is_no_protocol_error() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.limit("w1", -1);
    for number in 0..=pigato_proto::limits::ENDED_REQUESTS_PER_WORKER {
        let id = format!("r{number}");
        world.request("c1", "echo", &id);
        world.send("c1", &format!("C|8||{id}"));
    }
    world.reply("w1", "r0");
    assert_eq!(world.statistics().late_replies, 1);
    assert_eq!(world.statistics().workers, 1);
}
