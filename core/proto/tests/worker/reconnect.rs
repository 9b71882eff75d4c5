//! Attempts to connect and the pauses between them. The client's tests check that pauses double up
//! to a limit.

use std::time::Duration;

use pigato_proto::config::WorkerOptions;

use super::support::ms;
use super::world::{World, HEARTBEAT, READY};

#[test]
fn a_lost_connection_is_replaced() {
    let mut world = World::alive();
    world.request("r1");
    world.lost();
    assert_eq!(world.did(), ["disconnect", "1 cancelled: disconnected", "disconnected"]);
    world.reconnect();
    assert_eq!(world.did(), ["connect", READY, HEARTBEAT]);
}

#[test]
fn pauses_grow_with_each_failed_attempt() {
    let mut world = World::new(WorkerOptions::default().reconnect(ms(100)));
    world.start();
    for full in [100, 200, 400, 800] {
        world.connect_failed();
        let pause = world.owner.next_deadline().expect("another attempt") - world.owner.elapsed();
        assert!(pause <= ms(full) && pause > ms(full * 3 / 4), "{pause:?} is not about {full} ms");
        world.advance(pause);
    }
    assert_eq!(world.did(), ["connect"; 5]);
}

#[test]
fn there_is_no_pause_after_a_connection_that_lasted() {
    let mut world = World::alive();
    world.advance(ms(1_000));
    world.lost();
    assert_eq!(world.reconnect(), Duration::ZERO);
}

#[test]
fn a_connection_that_fails_after_it_was_up_is_lost() {
    let mut world = World::alive();
    world.request("r1");
    world.connect_failed();
    assert_eq!(world.did(), ["disconnect", "1 cancelled: disconnected", "disconnected"]);
    world.reconnect();
    assert_eq!(world.did(), ["connect", READY, HEARTBEAT]);
}
