//! `W|5`: the broker does not know the worker, or no longer accepts it.

use super::support::ms;
use super::world::{World, ANSWER, HEARTBEAT, READY};

#[test]
fn the_worker_reconnects_under_a_new_identity() {
    let mut world = World::alive();
    world.advance(ms(2_000));
    world.receive("W|5");
    assert_eq!(world.did(), ["disconnect", "disconnected"]);
    assert_eq!(world.reconnect(), ms(0));
    assert_eq!(world.did(), ["connect", READY, HEARTBEAT]);
    let [former, present] = &world.owner.identities[..] else { panic!("two connections") };
    assert_ne!(former, present);
}

#[test]
fn its_jobs_are_cancelled_and_late_replies_are_not_sent() {
    let mut world = World::alive();
    world.request("r1");
    world.request("r2");
    world.receive("W|5");
    assert_eq!(world.did(), ["disconnect", "1 cancelled: disconnected", "2 cancelled: disconnected", "disconnected"]);
    world.reconnect();
    world.receive(ANSWER);
    world.did();
    assert!(!world.reply(1, "1"));
    assert!(!world.partial(2, "1"));
    assert!(!world.reject(2, "null"));
    assert!(world.did().is_empty());
}

#[test]
fn a_request_delivered_again_is_a_new_job() {
    let mut world = World::alive();
    world.request("r1");
    world.receive("W|5");
    world.reconnect();
    world.receive(ANSWER);
    world.request("r1");
    assert!(!world.reply(1, "late"));
    assert!(world.reply(2, "1"));
    assert_eq!(world.did(), ["W|3|c1||r1|0|1|{}"]);
}

#[test]
fn the_pause_grows_while_the_broker_refuses_the_worker() {
    let mut world = World::up();
    let mut pauses = Vec::new();
    for _ in 0..4 {
        world.receive("W|5");
        pauses.push(world.reconnect());
    }
    assert!(pauses.windows(2).all(|pair| pair[1] > pair[0]), "{pauses:?}");
}

#[test]
fn messages_between_two_connections_are_ignored() {
    let mut world = World::alive();
    world.receive("W|5");
    world.did();
    world.receive("W|5");
    world.receive("W|2|c1|echo||r1|1|{}");
    assert!(world.did().is_empty());
}
