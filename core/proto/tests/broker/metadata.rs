//! A version 1 worker receives the remaining time and the number of the attempt.

use super::world::{ms, World};

#[test]
fn the_remaining_time_counts_from_receipt() {
    let mut world = World::new();
    world.request_with("c1", "echo", "r1", r#"{"timeout":1000}"#);
    world.advance(ms(400));
    world.modern_worker("w1", "echo");
    assert_eq!(world.received("w1"), [r#"W|2|c1|echo||r1|1|{"timeout":1000}|{"remaining":600,"attempt":1}"#]);
}

#[test]
fn without_a_timeout_the_remaining_time_is_minus_one() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.request_with("c1", "echo", "r1", r#"{"timeout":-1}"#);
    assert_eq!(world.received("w1"), [r#"W|2|c1|echo||r1|1|{"timeout":-1}|{"remaining":-1,"attempt":1}"#]);
}

#[test]
fn the_attempt_counts_lost_workers() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.request_with("c1", "echo", "r1", r#"{"retry":1}"#);
    world.send("w1", "W|5");
    world.modern_worker("w2", "echo");
    assert!(world.received("w2")[0].ends_with(r#"{"remaining":60000,"attempt":2}"#));
}

#[test]
fn a_published_worker_receives_no_metadata() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    assert_eq!(world.received("w1"), ["W|2|c1|echo||r1|1|{}"]);
}
