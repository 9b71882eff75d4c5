//! `retry`: a request whose worker is lost returns to the head of its queue, a limited number of
//! times.

use pigato_proto::limits;

use super::world::{ms, World};

const RETRY: &str = r#"{"retry":1}"#;

#[test]
fn a_request_moves_to_another_worker_after_any_kind_of_loss() {
    type Lose = fn(&mut World);
    let ways: [(&str, Lose); 3] = [
        ("disconnect", |world| world.send("w1", "W|5")),
        ("unroutable", |world| world.unroutable("w1")),
        ("silent", |world| world.advance_with(ms(7_500), ["w2"])),
    ];
    for (way, lose) in ways {
        let mut world = World::new();
        world.worker("w1", "echo");
        world.worker("w2", "echo");
        world.request_with("c1", "echo", "r1", RETRY);
        assert_eq!(world.jobs("w1"), ["r1"], "{way}");
        lose(&mut world);
        assert_eq!(world.jobs("w2"), ["r1"], "{way}");
        assert_eq!(world.statistics().retries, 1);
        world.reply("w2", "r1");
        assert_eq!(world.outcomes("c1"), ["r1 ok"], "{way}");
    }
}

#[test]
fn a_request_returns_to_the_head_of_the_queue() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 2);
    for id in ["r1", "r2", "r3"] {
        world.request_with("c1", "echo", id, RETRY);
    }
    world.send("w1", "W|5");
    world.worker_of("w2", "echo", 1);
    for id in ["r1", "r2"] {
        world.reply("w2", id);
    }
    assert_eq!(world.jobs("w2"), ["r1", "r2", "r3"]);
}

#[test]
fn a_request_returns_to_the_queue_of_its_requested_name() {
    let mut world = World::new();
    world.worker("wild", "ech*");
    world.request_with("c1", "echo", "r1", RETRY);
    world.send("wild", "W|5");
    world.worker("exact", "echo");
    assert_eq!(world.received("exact"), ["W|2|c1|echo||r1|1|{\"retry\":1}"]);
}

#[test]
fn the_oldest_request_is_first_for_workers_of_another_name() {
    let mut world = World::new();
    world.worker_of("lost", "echo", 1);
    world.worker_of("exact", "echo", 1);
    world.request_with("c1", "echo", "r1", RETRY);
    world.request_with("c1", "echo", "r2", RETRY);
    world.send("lost", "W|5");
    // Now r1 waits while the newer r2 is in flight.
    world.worker_of("wild", "ech*", 1);
    world.send("exact", "W|5");
    assert_eq!(world.jobs("wild"), ["r1"]);
    world.reply("wild", "r1");
    assert_eq!(world.jobs("wild"), ["r2"]);
}

#[test]
fn the_number_of_attempts_is_limited() {
    let mut world = World::new();
    world.request_with("c1", "echo", "r1", RETRY);
    for attempt in 1..=limits::ATTEMPTS {
        assert!(world.outcomes("c1").is_empty(), "before attempt {attempt}");
        world.worker("w1", "echo");
        assert_eq!(world.jobs("w1"), ["r1"]);
        world.send("w1", "W|5");
        world.received("w1");
    }
    assert_eq!(world.outcomes("c1"), ["r1 B_WORKER_LOST"]);
}

#[test]
fn a_retried_request_still_expires_on_time() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request_with("c1", "echo", "r1", r#"{"retry":true,"timeout":1000}"#);
    world.advance(ms(600));
    world.send("w1", "W|5");
    world.advance(ms(399));
    assert_eq!(world.statistics().queued, 1);
    world.advance(ms(1));
    assert_eq!(world.statistics().queued, 0);
    assert_eq!(world.statistics().expired, 1);
}

#[test]
fn a_targeted_request_waits_for_its_worker_to_return() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "echo");
    world.request_with("c1", "echo", "r1", r#"{"retry":1,"workerId":"w1"}"#);
    world.send("w1", "W|5");
    world.worker("w1", "echo");
    assert_eq!(world.jobs("w1"), ["r1", "r1"]);
    assert!(world.jobs("w2").is_empty());
}

#[test]
fn a_worker_that_announces_itself_again_receives_the_request_again() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request_with("c1", "echo", "r1", RETRY);
    world.request("c1", "echo", "r2");
    world.worker("w1", "echo");
    assert_eq!(world.jobs("w1"), ["r1", "r2", "r1"]);
    assert_eq!(world.outcomes("c1"), ["r2 B_WORKER_LOST"]);
}
