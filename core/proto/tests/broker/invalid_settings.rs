//! Invalid settings are replaced by the nearest valid ones, without panics or endless loops.

use std::time::Duration;

use pigato_proto::config::BrokerOptions;

use super::world::{ms, World};

#[test]
fn a_heartbeat_interval_of_0_becomes_1_ms() {
    let mut world = World::with(BrokerOptions::default().heartbeat(Duration::ZERO).heartbeat_liveness(10_u32));
    world.send("w1", r#"W|1|echo|{"v":1,"heartbeat":1}"#);
    assert_eq!(
        world.received("w1"),
        [r#"W|1|{"v":1,"caps":["cancel","credit","codec"],"heartbeat":1,"name":"B-test"}"#]
    );
    world.advance(ms(3));
    assert_eq!(world.received("w1"), ["W|4"; 3]);
}

#[test]
fn the_longest_durations_cause_no_panic() {
    let options = BrokerOptions::default().heartbeat(Duration::MAX).heartbeat_liveness(u32::MAX);
    let mut world = World::with(options);
    world.worker("w1", "echo");
    world.hello("c1", "");
    world.drain(Duration::MAX);
    assert!(world.statistics().clients == 1);
}
