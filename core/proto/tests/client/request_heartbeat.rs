//! Requests whose reply is still wanted are named to the broker once an interval.

use super::support::ms;
use super::world::{World, HELLO};

const WANTED: &str = "C|4|request|r1";

#[test]
fn they_are_named_as_long_as_they_are_awaited() {
    let mut world = World::alive();
    world.request(1);
    world.did();
    world.advance(ms(2_499));
    assert!(world.did().is_empty());
    world.advance(ms(1));
    assert_eq!(world.did(), [HELLO, WANTED]);
    world.advance(ms(2_500));
    assert_eq!(world.did(), [HELLO, WANTED]);
}

#[test]
fn the_interval_runs_from_the_request() {
    let mut world = World::alive();
    world.advance(ms(1_000));
    world.request(1);
    world.did();
    world.advance(ms(2_499));
    assert_eq!(world.did(), [HELLO]);
    world.advance(ms(1));
    assert_eq!(world.did(), [WANTED]);
}

#[test]
fn not_after_the_final_reply() {
    let mut world = World::alive();
    world.request(1);
    world.receive("C|6||r1|0|1|{}");
    world.advance(ms(2_500));
    world.receive("C|3||r1|0|1|{}");
    world.did();
    world.advance(ms(10_000));
    assert_eq!(world.did(), [HELLO; 4]);
}

#[test]
fn not_after_a_cancellation() {
    let mut world = World::alive();
    world.request(1);
    world.cancel(1);
    world.did();
    world.advance(ms(5_000));
    assert_eq!(world.did(), [HELLO; 2]);
}

#[test]
fn not_between_two_connections() {
    let mut world = World::alive();
    world.request_with(1, &pigato_proto::RequestOptions::default().retry(true));
    world.lost();
    world.advance(ms(1_000));
    assert_eq!(world.did().last().map(String::as_str), Some("connect"));
    world.advance(ms(10_000));
    assert!(world.did().is_empty());
    world.connected();
    assert_eq!(world.did().len(), 2);
    world.advance(ms(2_500));
    assert!(world.did().contains(&WANTED.to_owned()));
}

#[test]
fn the_user_may_say_so_at_any_time() {
    let mut world = World::alive();
    world.request(1);
    world.did();
    world.heartbeat(1);
    world.heartbeat(2);
    assert_eq!(world.did(), [WANTED]);
}

#[test]
fn what_was_not_sent_is_not_named() {
    let mut world = World::new(pigato_proto::config::ClientOptions::default());
    world.start();
    world.request(1);
    world.did();
    world.heartbeat(1);
    assert!(world.did().is_empty());
}
