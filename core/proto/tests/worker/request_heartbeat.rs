//! `W|4` with 5 frames: the client still waits.

use super::world::World;

#[test]
fn the_user_gets_an_event() {
    let mut world = World::alive();
    world.request("r1");
    world.receive("W|4|c1||r1");
    assert_eq!(world.did(), ["1 heartbeat"]);
}

#[test]
fn requests_that_are_not_live_cause_no_event() {
    let mut world = World::alive();
    world.request("r1");
    world.reply(1, "1");
    world.did();
    world.receive("W|4|c1||r1");
    world.receive("W|4|c1||r2");
    assert!(world.did().is_empty());
}

#[test]
fn other_frame_counts_are_the_brokers_own_heartbeat() {
    let mut world = World::alive();
    world.request("r1");
    for message in ["W|4", "W|4|c1", "W|4|c1|", "W|4|c1||r1|more"] {
        world.receive(message);
        assert!(world.did().is_empty(), "{message}");
    }
}
