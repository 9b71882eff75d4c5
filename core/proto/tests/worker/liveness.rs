//! A broker that is silent for too long is given up, and told so.

use pigato_proto::config::WorkerOptions;

use super::support::ms;
use super::world::{World, ANSWER, HEARTBEAT};

#[test]
fn it_may_be_silent_for_three_heartbeats() {
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
fn anything_it_says_counts() {
    let mut world = World::alive();
    world.broker_dies();
    world.advance(ms(7_000));
    world.receive("W|nonsense");
    world.did();
    world.advance(ms(7_499));
    assert_eq!(world.did(), [HEARTBEAT; 3]);
}

#[test]
fn the_setting_says_how_many_heartbeats() {
    let mut world = World::alive_with(WorkerOptions::default().heartbeat_liveness(5_u32));
    world.broker_dies();
    world.advance(ms(12_499));
    assert!(!world.did().contains(&"disconnect".to_owned()));
    world.advance(ms(1));
    assert_eq!(world.did()[..2], ["W|5", "disconnect"]);
}

#[test]
fn a_slower_broker_is_measured_by_its_own_interval() {
    let mut world = World::up();
    world.receive(&ANSWER.replace("2500", "10000"));
    world.advance(ms(29_999));
    assert!(!world.did().contains(&"disconnect".to_owned()));
    world.advance(ms(1));
    assert_eq!(world.did()[..2], ["W|5", "disconnect"]);
}

#[test]
fn a_faster_broker_is_measured_by_the_workers_interval() {
    let mut world = World::up();
    world.receive(&ANSWER.replace("2500", "100"));
    world.advance(ms(7_499));
    assert!(!world.did().contains(&"disconnect".to_owned()));
}

#[test]
fn silence_means_nothing_while_nobody_listens() {
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
