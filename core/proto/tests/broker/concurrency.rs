//! A worker never has more requests in flight than its concurrency.

use super::world::{numbered, World};

fn flood(world: &mut World, count: usize) {
    for id in numbered("r", count) {
        world.request("c1", "echo", &id);
    }
}

#[test]
fn the_default_concurrency_is_100() {
    let mut world = World::new();
    world.worker("w1", "echo");
    flood(&mut world, 101);
    assert_eq!(world.jobs("w1"), numbered("r", 100));
    world.reply("w1", "r50");
    assert_eq!(world.jobs("w1"), ["r101"]);
}

#[test]
fn an_announced_concurrency_applies_from_the_first_request() {
    let mut world = World::new();
    flood(&mut world, 5);
    world.worker_of("w1", "echo", 2);
    assert_eq!(world.jobs("w1"), ["r1", "r2"]);
}

#[test]
fn minus_one_means_no_limit() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.limit("w1", -1);
    flood(&mut world, 250);
    assert_eq!(world.jobs("w1").len(), 250);
}

#[test]
fn a_lowered_concurrency_applies_at_once() {
    let mut world = World::new();
    world.worker("w1", "echo");
    flood(&mut world, 3);
    world.limit("w1", 2);
    world.request("c1", "echo", "late");
    world.reply("w1", "r1");
    assert_eq!(world.jobs("w1"), ["r1", "r2", "r3"]);
    world.reply("w1", "r2");
    assert_eq!(world.jobs("w1"), ["late"]);
}

#[test]
fn a_raised_concurrency_dispatches_queued_requests() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    flood(&mut world, 5);
    world.limit("w1", 3);
    assert_eq!(world.jobs("w1"), ["r1", "r2", "r3"]);
    world.limit("w1", -1);
    assert_eq!(world.jobs("w1"), ["r4", "r5"]);
}

#[test]
fn a_raised_concurrency_dispatches_targeted_requests() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request("c1", "echo", "r1");
    world.request_with("c1", "echo", "r2", r#"{"workerId":"w1"}"#);
    world.limit("w1", 2);
    assert_eq!(world.jobs("w1"), ["r1", "r2"]);
}

#[test]
fn an_invalid_concurrency_changes_nothing() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.limit("w1", 1);
    for nonsense in ["0", "-2", "1.5", "null", "\"x\"", "true", "[]", "{}", "1e400"] {
        world.send("w1", &format!(r#"W|4||{{"concurrency":{nonsense}}}"#));
    }
    for nonsense in ["", "{}", "null", "7", "undefined", "{\"concurrency\":"] {
        world.send("w1", &format!("W|4||{nonsense}"));
    }
    world.send("w1", "W|4");
    flood(&mut world, 3);
    assert_eq!(world.jobs("w1"), ["r1"]);
    assert_eq!(world.statistics().workers, 1);
}

#[test]
fn a_whole_number_written_as_a_float_is_valid() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.send("w1", r#"W|4||{"concurrency":2.0}"#);
    flood(&mut world, 3);
    assert_eq!(world.jobs("w1"), ["r1", "r2"]);
}
