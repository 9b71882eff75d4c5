//! The worker's concurrency.

use pigato_proto::config::{Concurrency, WorkerOptions};

use super::support::ms;
use super::world::World;

#[test]
fn a_change_is_sent_to_the_broker_at_once() {
    let mut world = World::alive();
    world.input(|machine| machine.set_concurrency(Concurrency::Limited(7)));
    world.input(|machine| machine.set_concurrency(Concurrency::Unlimited));
    assert_eq!(world.did(), [r#"W|4||{"concurrency":7}"#, r#"W|4||{"concurrency":-1}"#]);
}

#[test]
fn later_heartbeats_and_announcements_repeat_the_concurrency() {
    let mut world = World::alive();
    world.input(|machine| machine.set_concurrency(Concurrency::Limited(7)));
    world.did();
    world.advance(ms(2_500));
    assert_eq!(world.did(), [r#"W|4||{"concurrency":7}"#]);
    world.lost();
    world.reconnect();
    assert!(world.did().iter().any(|line| line.starts_with("W|1|echo|") && line.ends_with(r#""concurrency":7}"#)));
}

#[test]
fn a_change_without_a_connection_is_announced_with_the_next() {
    let mut world = World::new(WorkerOptions::default());
    world.input(|machine| machine.set_concurrency(Concurrency::Limited(7)));
    world.start();
    assert_eq!(world.did(), ["connect"]);
    world.connected();
    assert!(world.did().iter().all(|line| line.ends_with(r#""concurrency":7}"#)));
}
