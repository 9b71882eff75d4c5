//! A request goes to a worker of the requested name.

use super::world::World;

#[test]
fn a_request_reaches_the_worker_of_its_service() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "other");
    world.request("c1", "echo", "r1");
    assert_eq!(world.received("w1"), ["W|2|c1|echo||r1|1|{}"]);
    assert!(world.received("w2").is_empty());

    world.reply("w1", "r1");
    assert_eq!(world.received("c1"), ["C|3||r1|0|2|{}"]);
}

#[test]
fn the_exact_name_takes_precedence_over_a_wildcard() {
    let mut world = World::new();
    world.worker("wild", "ech*");
    world.worker("exact", "echo");
    world.request("c1", "echo", "r1");
    assert_eq!(world.jobs("exact"), ["r1"]);
}

#[test]
fn a_name_that_is_only_a_prefix_of_a_service_does_not_match() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "ech", "r1");
    world.request("c1", "echoes", "r2");
    assert!(world.jobs("w1").is_empty());
}

#[test]
fn names_are_case_sensitive_bytes() {
    let mut world = World::new();
    world.worker("w1", "Echo");
    world.request("c1", "echo", "r1");
    world.send_frames("c1", [&b"C"[..], b"2", b"Ech\xff", b"r2", b"1", b"{}"]);
    assert!(world.jobs("w1").is_empty());

    world.send_frames("w2", [&b"W"[..], b"1", b"Ech\xff"]);
    assert_eq!(world.jobs("w2"), ["r2"]);
}
