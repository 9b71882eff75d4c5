//! Invalid settings are replaced by the nearest valid ones, without panics or endless loops.

use std::time::Duration;

use pigato_proto::config::WorkerOptions;

use super::support::ms;
use super::world::{World, ANSWER, HEARTBEAT, READY};

#[test]
fn a_heartbeat_interval_of_0_becomes_1_ms() {
    let mut world = World::new(WorkerOptions::default().heartbeat(Duration::ZERO));
    world.start();
    world.connected();
    assert_eq!(world.did(), ["connect", &READY.replace("2500", "1"), HEARTBEAT]);
    world.receive(ANSWER);
    world.did();
    world.advance(ms(3));
    assert_eq!(world.did(), [HEARTBEAT; 3]);
}

#[test]
fn the_longest_durations_cause_no_panic() {
    let options =
        WorkerOptions::default().heartbeat(Duration::MAX).reconnect(Duration::MAX).heartbeat_liveness(u32::MAX);
    let mut world = World::alive_with(options);
    world.request("r1");
    world.drain(Duration::MAX);
    assert!(world.owner.next_deadline().is_some());
    world.lost();
    world.start();
    world.connect_failed();
    assert!(world.owner.next_deadline().is_some());
}
