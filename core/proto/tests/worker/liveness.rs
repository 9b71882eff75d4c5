//! A worker gives up a broker that is silent for the liveness timeout, and sends it a disconnect.

use pigato_proto::config::WorkerOptions;

use super::support::ms;
use super::world::{World, ANSWER, HEARTBEAT};

#[test]
fn a_broker_may_be_silent_for_3_intervals() {
    let mut world = World::alive();
    world.request("r1");
    world.broker_dies();
    world.advance(ms(7_499));
    assert_eq!(world.did(), [HEARTBEAT; 2]);
    world.advance(ms(1));
    assert_eq!(world.did(), ["W|5", "disconnect", "1 cancelled: disconnected", "disconnected", "connect"]);
    assert!(!world.reply(1, "1"));
}

#[test]
fn every_message_is_a_sign_of_life() {
    let mut world = World::alive();
    world.broker_dies();
    world.advance(ms(7_000));
    world.receive("W|nonsense");
    world.did();
    world.advance(ms(7_499));
    assert_eq!(world.did(), [HEARTBEAT; 3]);
}

#[test]
fn the_liveness_setting_is_the_number_of_intervals() {
    let mut world = World::alive_with(WorkerOptions::default().heartbeat_liveness(5_u32));
    world.broker_dies();
    world.advance(ms(12_499));
    assert!(!world.did().contains(&"disconnect".to_owned()));
    world.advance(ms(1));
    assert_eq!(world.did()[..2], ["W|5", "disconnect"]);
}

#[test]
fn a_slower_brokers_own_interval_counts() {
    let mut world = World::up();
    world.receive(&ANSWER.replace("2500", "10000"));
    world.advance(ms(29_999));
    assert!(!world.did().contains(&"disconnect".to_owned()));
    world.advance(ms(1));
    assert_eq!(world.did()[..2], ["W|5", "disconnect"]);
}

#[test]
fn for_a_faster_broker_the_workers_interval_counts() {
    let mut world = World::up();
    world.receive(&ANSWER.replace("2500", "100"));
    world.advance(ms(7_499));
    assert!(!world.did().contains(&"disconnect".to_owned()));
}

#[test]
fn silence_does_not_count_while_the_owner_does_not_read() {
    let mut world = World::alive();
    world.broker_dies();
    world.advance(ms(7_000));
    world.not_reading();
    world.did();
    world.advance(ms(7_499));
    assert_eq!(world.did(), [HEARTBEAT; 3]);
    world.advance(ms(1));
    assert_eq!(world.did()[..2], ["W|5", "disconnect"]);
}
