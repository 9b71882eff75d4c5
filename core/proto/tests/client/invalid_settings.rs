//! Invalid settings are replaced by the nearest valid ones, without panics or endless loops.

use std::time::Duration;

use pigato_proto::config::{ClientOptions, RequestOptions};

use super::support::ms;
use super::world::{World, ANSWER, HELLO};

#[test]
fn a_heartbeat_interval_of_0_becomes_1_ms() {
    let mut world = World::new(ClientOptions::default().heartbeat(Duration::ZERO));
    world.start();
    world.connected();
    world.did();
    world.receive(ANSWER);
    world.request(1);
    world.did();
    world.advance(ms(3));
    let hello = HELLO.replace("2500", "1");
    let wanted = "C|4|request|r1".to_owned();
    assert_eq!(
        world.did(),
        [[hello.clone(), wanted.clone()], [hello.clone(), wanted.clone()], [hello, wanted]].concat()
    );
}

#[test]
fn a_liveness_of_0_becomes_1() {
    let mut world = World::up_with(ClientOptions::default().heartbeat_liveness(0_u32));
    world.advance(ms(2_499));
    assert!(world.did().is_empty());
    world.advance(ms(1));
    assert_eq!(world.did(), ["disconnect"]);
}

#[test]
fn a_reconnect_pause_of_0_becomes_1_ms() {
    let mut world = World::new(ClientOptions::default().reconnect(Duration::ZERO));
    world.start();
    world.connect_failed();
    let pause = world.owner.next_deadline().expect("another attempt");
    assert!(pause > Duration::ZERO && pause <= ms(1));
}

#[test]
fn the_longest_durations_cause_no_panic() {
    let options =
        ClientOptions::default().heartbeat(Duration::MAX).reconnect(Duration::MAX).heartbeat_liveness(u32::MAX);
    let mut world = World::up_with(options);
    world.receive(ANSWER);
    world.request_with(1, &RequestOptions::default().timeout(Duration::MAX).retry(true));
    world.lost();
    assert!(world.owner.next_deadline().is_some());
}
