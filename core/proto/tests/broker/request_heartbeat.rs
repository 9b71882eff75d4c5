//! A client's heartbeat for a request is forwarded to its worker.

use super::world::World;

fn world() -> World {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.received("w1");
    world
}

#[test]
fn all_forms_of_the_request_heartbeat_are_forwarded() {
    for (message, answer) in [("C|4|request|r1", &[][..]), ("C|4|req|r1", &[]), ("C|4|r1", &["C|4"])] {
        let mut world = world();
        world.send("c1", message);
        assert_eq!(world.received("w1"), ["W|4|c1||r1"], "{message}");
        assert_eq!(world.received("c1"), answer, "{message}");
    }
}

#[test]
fn heartbeats_for_queued_or_unknown_requests_are_not_forwarded() {
    let mut world = world();
    world.request("c1", "nobody", "r2");
    world.send("c1", "C|4|request|r2");
    world.send("c1", "C|4|request|r3");
    world.send("c1", "C|4|r3");
    assert!(world.received("w1").is_empty());
    assert_eq!(world.received("c1"), ["C|4"]);
}

#[test]
fn heartbeats_for_another_clients_request_are_not_forwarded() {
    let mut world = world();
    world.send("c2", "C|4|request|r1");
    assert!(world.received("w1").is_empty());
    assert_eq!(world.statistics().clients, 1);
}
