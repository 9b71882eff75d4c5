//! `W|8`: the client no longer waits for the reply.

use super::world::World;

#[test]
fn the_user_gets_an_event_and_nothing_more_is_sent() {
    let mut world = World::alive();
    world.request("r1");
    world.partial(1, "1");
    world.did();
    world.receive("W|8|c1||r1");
    assert_eq!(world.did(), ["1 cancelled: client"]);
    assert!(!world.partial(1, "2"));
    assert!(!world.reply(1, "3"));
    assert!(world.did().is_empty());
    assert_eq!(world.owner.machine.in_flight(), 0);
}

#[test]
fn replies_that_wait_for_credit_are_dropped() {
    let mut world = World::alive();
    world.request_with_credit("r1", 0);
    world.partial(1, "1");
    world.reply(1, "2");
    world.receive("W|8|c1||r1");
    world.receive("W|9|c1||r1|5");
    assert_eq!(world.did(), ["1 cancelled: client"]);
}

#[test]
fn a_cancel_affects_only_one_clients_request() {
    let mut world = World::alive();
    world.request("r1");
    world.receive("W|8|c2||r1");
    world.receive("W|8|c1||r2");
    assert!(world.did().is_empty());
    assert!(world.reply(1, "1"));
}

#[test]
fn an_answered_request_cannot_be_cancelled() {
    let mut world = World::alive();
    world.request("r1");
    world.reply(1, "1");
    world.did();
    world.receive("W|8|c1||r1");
    assert!(world.did().is_empty());
}
