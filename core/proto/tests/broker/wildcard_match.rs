//! A name without a worker of its own falls back to the longest wildcard that covers it.

use super::world::World;

#[test]
fn a_wildcard_takes_every_name_with_its_prefix() {
    let mut world = World::new();
    world.worker("wild", "ech*");
    world.request("c1", "echo", "r1");
    world.request("c1", "ech", "r2");
    world.request("c1", "ec", "r3");
    world.request("c1", "ech*", "r4");
    assert_eq!(world.jobs("wild"), ["r1", "r2", "r4"]);
}

#[test]
fn the_worker_is_told_the_name_that_was_asked_for() {
    let mut world = World::new();
    world.worker("wild", "ech*");
    world.request("c1", "echo", "r1");
    assert_eq!(world.received("wild"), ["W|2|c1|echo||r1|1|{}"]);
}

#[test]
fn the_longest_wildcard_wins() {
    let mut world = World::new();
    world.worker("all", "*");
    world.worker("long", "echo-*");
    world.worker("short", "ech*");
    world.request("c1", "echo-1", "r1");
    world.request("c1", "echo", "r2");
    world.request("c1", "x", "r3");
    assert_eq!([world.jobs("long"), world.jobs("short"), world.jobs("all")], [["r1"], ["r2"], ["r3"]]);
}

#[test]
fn a_star_inside_a_name_is_no_wildcard() {
    let mut world = World::new();
    world.worker("w1", "e*o");
    world.request("c1", "echo", "r1");
    assert!(world.jobs("w1").is_empty());
    world.request("c1", "e*o", "r2");
    assert_eq!(world.jobs("w1"), ["r2"]);
}

#[test]
fn names_with_a_version_do_not_match_wildcards() {
    let mut world = World::new();
    for (worker, service) in [("w1", "ech*"), ("w2", "*"), ("w3", "echo@*"), ("w4", "echo*")] {
        world.worker(worker, service);
    }
    world.request("c1", "echo@1.0.0", "r1");
    world.request("c1", "echo@^1.0.0", "r2");
    world.request("c1", "@echo", "r3");
    world.request("c1", "echo@not a range", "r4");
    assert_eq!(world.statistics().queued, 4);
}

#[test]
fn core_services_do_not_match_wildcards() {
    let mut world = World::new();
    world.worker("all", "*");
    world.worker("core", "$*");
    world.request("c1", "$other", "r1");
    assert_eq!(world.statistics().queued, 1);
    world.worker("exact", "$other");
    assert_eq!(world.jobs("exact"), ["r1"]);
}

#[test]
fn other_wildcards_of_the_same_length_are_not_mistaken_for_it() {
    let mut world = World::new();
    world.worker("w1", "abc*");
    world.worker("w2", "xy*");
    world.request("c1", "xyz1", "r1");
    assert_eq!(world.jobs("w2"), ["r1"]);
    world.send("w2", "W|5");
    world.request("c1", "xyz1", "r2");
    assert_eq!(world.statistics().queued, 1);
}
