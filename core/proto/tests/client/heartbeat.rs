//! Heartbeats to the broker.

use pigato_proto::config::ClientOptions;

use super::support::ms;
use super::world::{World, ANSWER, HELLO};

#[test]
fn a_heartbeat_is_sent_every_interval() {
    let mut world = World::alive();
    world.advance(ms(2_499));
    assert!(world.did().is_empty());
    world.advance(ms(1));
    assert_eq!(world.did(), [HELLO]);
    world.advance(ms(7_500));
    assert_eq!(world.did(), [HELLO; 3]);
}

#[test]
fn heartbeats_keep_their_interval_after_a_late_call() {
    let mut world = World::alive();
    world.owner.now += ms(4_000);
    world.advance(ms(0));
    assert_eq!(world.did(), [HELLO]);
    world.advance(ms(2_499));
    assert!(world.did().is_empty());
}

#[test]
fn a_new_connection_starts_a_new_interval() {
    let mut world = World::alive();
    world.advance(ms(2_000));
    world.lost();
    world.reconnect();
    world.receive(ANSWER);
    world.did();
    world.advance(ms(2_499));
    assert!(world.did().is_empty());
    world.advance(ms(1));
    assert_eq!(world.did(), [HELLO]);
}

#[test]
fn no_heartbeat_is_sent_without_a_connection() {
    let mut world = World::new(ClientOptions::default());
    world.start();
    world.did();
    world.advance(ms(60_000));
    assert!(world.did().is_empty());
}
