//! The user gives up.

use pigato_proto::config::ClientOptions;

use super::world::{World, ANSWER, HELLO};

#[test]
fn the_request_ends_and_a_broker_of_version_1_is_told() {
    let mut world = World::alive();
    world.request(1);
    world.did();
    world.cancel(1);
    assert_eq!(world.did(), ["C|8||r1", "1 failed C_CANCELLED"]);
}

#[test]
fn a_published_broker_is_not_told() {
    let mut world = World::published();
    world.request(1);
    world.did();
    world.cancel(1);
    assert_eq!(world.did(), ["1 failed C_CANCELLED"]);
}

#[test]
fn a_broker_that_has_not_answered_yet_is_told_when_it_has() {
    let mut world = World::up();
    world.request(1);
    world.did();
    world.cancel(1);
    assert_eq!(world.did(), ["1 failed C_CANCELLED"]);
    world.receive(ANSWER);
    assert_eq!(world.did(), ["connected", "C|8||r1"]);
    world.receive(ANSWER);
    assert!(world.did().is_empty());
}

#[test]
fn a_broker_that_turns_out_to_be_a_published_one_is_not_told() {
    let mut world = World::up();
    world.request(1);
    world.cancel(1);
    world.did();
    world.receive("C|4");
    assert_eq!(world.did(), ["connected"]);
    world.receive(ANSWER);
    assert!(world.did().is_empty());
}

#[test]
fn what_was_not_sent_never_is() {
    let mut world = World::new(ClientOptions::default());
    world.start();
    world.request(1);
    world.cancel(1);
    assert_eq!(world.did(), ["connect", "1 failed C_CANCELLED"]);
    world.connected();
    assert_eq!(world.did(), [HELLO]);
}

#[test]
fn it_means_nothing_once_the_request_has_ended_or_never_was() {
    let mut world = World::alive();
    world.request(1);
    world.receive("C|3||r1|0|1|{}");
    world.did();
    world.cancel(1);
    world.cancel(2);
    assert!(world.did().is_empty());
}

#[test]
fn late_replies_do_not_reach_the_user() {
    let mut world = World::alive();
    world.request(1);
    world.cancel(1);
    world.did();
    world.receive("C|6||r1|0|1|{}");
    world.receive("C|3||r1|0|1|{}");
    assert_eq!(world.did(), ["protocol error ERR_REQ_INVALID"; 2]);
}
