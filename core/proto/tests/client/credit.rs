//! Credit for partial replies.

use super::world::World;

#[test]
fn credit_is_sent_to_a_broker_that_supports_it() {
    let mut world = World::alive();
    world.request(1);
    world.did();
    world.grant(1, 16);
    assert_eq!(world.did(), ["C|9||r1|16"]);
}

#[test]
fn a_published_broker_receives_no_credit() {
    let mut world = World::published();
    world.request(1);
    world.did();
    world.grant(1, 16);
    assert!(world.did().is_empty());
}

#[test]
fn a_broker_without_the_capability_receives_no_credit() {
    let mut world = World::up();
    world.receive(r#"C|4|{"v":1,"caps":["cancel"],"heartbeat":2500}"#);
    world.request(1);
    world.did();
    world.grant(1, 16);
    assert!(world.did().is_empty());
}

#[test]
fn a_grant_of_0_sends_nothing() {
    let mut world = World::alive();
    world.request(1);
    world.did();
    world.grant(1, 0);
    assert!(world.did().is_empty());
}

#[test]
fn ended_requests_receive_no_credit() {
    let mut world = World::alive();
    world.request(1);
    world.receive("C|3||r1|0|1|{}");
    world.did();
    world.grant(1, 16);
    assert!(world.did().is_empty());
}
