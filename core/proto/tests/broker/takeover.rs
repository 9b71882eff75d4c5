//! Matching follows workers as they register and leave.

use super::world::World;

#[test]
fn an_exact_worker_replaces_a_wildcard_until_it_leaves() {
    let mut world = World::new();
    world.worker("wild", "ech*");
    world.request("c1", "echo", "r1");
    world.worker("exact", "echo");
    world.request("c1", "echo", "r2");
    world.send("exact", "W|5");
    world.request("c1", "echo", "r3");
    assert_eq!(world.jobs("wild"), ["r1", "r3"]);
    assert_eq!(world.jobs("exact"), ["r2"]);
}

#[test]
fn queued_requests_move_to_an_exact_worker() {
    let mut world = World::new();
    world.worker_of("wild", "ech*", 1);
    for id in ["r1", "r2", "r3"] {
        world.request("c1", "echo", id);
    }
    world.worker("exact", "echo");
    assert_eq!(world.jobs("exact"), ["r2", "r3"]);

    world.reply("wild", "r1");
    assert_eq!(world.jobs("wild"), ["r1"]);
}

#[test]
fn queued_requests_move_back_to_the_wildcard() {
    let mut world = World::new();
    world.worker("wild", "ech*");
    world.worker_of("exact", "echo", 1);
    for id in ["r1", "r2", "r3"] {
        world.request("c1", "echo", id);
    }
    assert!(world.jobs("wild").is_empty());
    world.send("exact", "W|5");
    assert_eq!(world.jobs("wild"), ["r2", "r3"]);
}

#[test]
fn queued_requests_that_move_are_spread_over_the_free_workers() {
    let mut world = World::new();
    world.worker("wild1", "ech*");
    world.worker("wild2", "ech*");
    world.worker_of("exact", "echo", 1);
    for id in ["r1", "r2", "r3", "r4", "r5"] {
        world.request("c1", "echo", id);
    }
    world.send("exact", "W|5");
    assert_eq!([world.jobs("wild1").len(), world.jobs("wild2").len()], [2, 2]);
}

#[test]
fn the_wildcard_takes_over_when_the_last_exact_worker_leaves() {
    let mut world = World::new();
    world.worker("wild", "ech*");
    world.worker("exact1", "echo");
    world.worker("exact2", "echo");
    world.send("exact1", "W|5");
    world.request("c1", "echo", "r1");
    assert_eq!(world.jobs("exact2"), ["r1"]);
}

#[test]
fn a_new_wildcard_serves_queued_requests() {
    let mut world = World::new();
    world.request("c1", "echo", "r1");
    world.request("c1", "other", "r2");
    world.request("c1", "echoes", "r3");
    world.worker("wild", "ech*");
    assert_eq!(world.jobs("wild"), ["r1", "r3"]);
}

#[test]
fn a_longer_wildcard_takes_over_from_a_shorter_one() {
    let mut world = World::new();
    world.worker_of("short", "e*", 1);
    world.request("c1", "echo", "r1");
    world.request("c1", "echo", "r2");
    world.worker("long", "ech*");
    assert_eq!(world.jobs("long"), ["r2"]);

    world.worker("shorter", "*");
    world.request("c1", "echo", "r3");
    assert_eq!(world.jobs("long"), ["r3"]);
}

#[test]
fn a_new_version_serves_queued_requests() {
    let mut world = World::new();
    world.request("c1", "name@^1.2.0", "r1");
    world.worker("old", "name@1.1.0");
    assert!(world.jobs("old").is_empty());
    world.worker("new", "name@1.2.3");
    assert_eq!(world.jobs("new"), ["r1"]);
}

#[test]
fn a_version_that_leaves_passes_its_requests_to_the_others() {
    let mut world = World::new();
    world.worker_of("w1", "name@1.0.0", 1);
    world.worker_of("w2", "name@1.1.0", 1);
    for id in ["r1", "r2", "r3"] {
        world.request("c1", "name@1", id);
    }
    assert_eq!(world.jobs("w1"), ["r1"]);
    assert_eq!(world.jobs("w2"), ["r2"]);
    world.send("w1", "W|5");
    assert_eq!(world.statistics().queued, 1);
    world.reply("w2", "r2");
    assert_eq!(world.jobs("w2"), ["r3"]);
}

#[test]
fn a_wildcard_serves_the_oldest_request_of_all_its_names() {
    let mut world = World::new();
    world.worker_of("wild", "ech*", 1);
    world.request("c1", "echo", "r1");
    world.request("c1", "echoes", "r2");
    world.request("c1", "echo", "r3");
    world.reply("wild", "r1");
    world.reply("wild", "r2");
    assert_eq!(world.jobs("wild"), ["r1", "r2", "r3"]);
}

#[test]
fn more_services_than_retained_idle_queues_come_and_go() {
    let mut world = World::new();
    world.worker("wild", "s*");
    for number in 0..3_000 {
        let id = format!("r{number}");
        world.request("c1", &format!("s{number}"), &id);
        world.reply("wild", &id);
    }
    world.send("wild", "W|5");
    world.request("c1", "s2999", "last");
    world.worker("exact", "s2999");
    assert_eq!(world.jobs("exact"), ["last"]);
}

#[test]
fn a_removed_queue_does_not_affect_its_former_workers() {
    let mut world = World::new();
    world.worker("wild", "s*");
    for number in 0..2_000 {
        let id = format!("r{number}");
        world.request("c1", &format!("s{number}"), &id);
        world.reply("wild", &id);
    }
    world.worker("exact", "s1");
    world.request("c1", "nobody", "waits");
    world.request("c1", "s1", "r");
    assert_eq!(world.jobs("exact"), ["r"]);
    world.send("wild", "W|5");
    assert_eq!(world.directory(), r#"{"s1":["exact"]}"#);
}
