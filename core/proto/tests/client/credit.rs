//! Credit for partial replies.

use super::world::World;

#[test]
fn it_is_sent_to_a_broker_that_can_pass_it_on() {
    let mut world = World::alive();
    world.request(1);
    world.did();
    world.grant(1, 16);
    assert_eq!(world.did(), ["C|9||r1|16"]);
}

#[test]
fn a_published_broker_is_not_sent_any() {
    let mut world = World::published();
    world.request(1);
    world.did();
    world.grant(1, 16);
    assert!(world.did().is_empty());
}

#[test]
fn a_broker_without_the_capability_is_not_sent_any() {
    let mut world = World::up();
    world.receive(r#"C|4|{"v":1,"caps":["cancel"],"heartbeat":2500}"#);
    world.request(1);
    world.did();
    world.grant(1, 16);
    assert!(world.did().is_empty());
}

#[test]
fn none_is_nothing_to_send() {
    let mut world = World::alive();
    world.request(1);
    world.did();
    world.grant(1, 0);
    assert!(world.did().is_empty());
}

#[test]
fn requests_that_have_ended_get_none() {
    let mut world = World::alive();
    world.request(1);
    world.receive("C|3||r1|0|1|{}");
    world.did();
    world.grant(1, 16);
    assert!(world.did().is_empty());
}
