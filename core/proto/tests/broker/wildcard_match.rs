//! A name without its own worker falls back to the longest matching wildcard.

use super::world::World;

#[test]
fn a_wildcard_matches_every_name_with_its_prefix() {
    let mut world = World::new();
    world.worker("wild", "ech*");
    world.request("c1", "echo", "r1");
    world.request("c1", "ech", "r2");
    world.request("c1", "ec", "r3");
    world.request("c1", "ech*", "r4");
    assert_eq!(world.jobs("wild"), ["r1", "r2", "r4"]);
}

#[test]
fn the_worker_receives_the_requested_name() {
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
fn a_star_inside_a_name_is_not_a_wildcard() {
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
fn other_wildcards_of_the_same_length_do_not_match() {
    let mut world = World::new();
    world.worker("w1", "abc*");
    world.worker("w2", "xy*");
    world.request("c1", "xyz1", "r1");
    assert_eq!(world.jobs("w2"), ["r1"]);
    world.send("w2", "W|5");
    world.request("c1", "xyz1", "r2");
    assert_eq!(world.statistics().queued, 1);
}
