//! Heartbeats to the broker.

use pigato_proto::config::WorkerOptions;

use super::support::ms;
use super::world::{World, HEARTBEAT};

#[test]
fn a_heartbeat_is_sent_every_interval() {
    let mut world = World::alive();
    world.advance(ms(2_499));
    assert!(world.did().is_empty());
    world.advance(ms(1));
    assert_eq!(world.did(), [HEARTBEAT]);
    world.advance(ms(7_500));
    assert_eq!(world.did(), [HEARTBEAT; 3]);
}

#[test]
fn a_core_service_requests_a_publication() {
    let mut world = World::alive();
    world.input(|machine| machine.heartbeat(true));
    world.input(|machine| machine.heartbeat(false));
    assert_eq!(world.did(), [r#"W|4||{"update":1,"concurrency":100}"#, HEARTBEAT]);
}

#[test]
fn no_heartbeat_is_sent_without_a_connection() {
    let mut world = World::new(WorkerOptions::default());
    world.start();
    world.did();
    world.input(|machine| machine.heartbeat(false));
    world.advance(ms(60_000));
    assert!(world.did().is_empty());
}
