//! A reply to a request that the broker ended itself is dropped and counted; the worker did nothing wrong.

use super::world::{ms, World};

/// A world in which `w1` was handed `r1`, which then ended by the broker's doing.
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
fn a_final_one_is_dropped_and_counted() {
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
fn partial_ones_and_then_the_final_one_are_dropped_and_counted() {
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
fn a_reject_is_dropped_and_counted() {
    for way in WAYS {
        let mut world = ended(way);
        world.reject("w1", "r1");
        assert_eq!(world.statistics().late_replies, 1);
        assert_eq!(world.statistics().rejects, 0);
        assert_eq!(world.statistics().workers, 1);
    }
}

#[test]
fn several_are_told_apart() {
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
fn a_second_late_final_reply_is_a_breach() {
    let mut world = ended(WAYS[0]);
    world.reply("w1", "r1");
    world.send("w1", "W|3|c1||r1|0|2|{}");
    assert_eq!(world.received("w1"), ["W|5"]);
}

#[test]
fn the_slot_of_the_ended_request_is_free_meanwhile() {
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
fn after_an_end_by_drain_too() {
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
fn of_more_than_are_remembered_the_oldest_is_no_breach_either() {
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
