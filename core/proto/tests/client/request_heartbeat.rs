//! The client sends the broker a heartbeat for each pending request once per interval.

use super::support::ms;
use super::world::{World, HELLO};

const WANTED: &str = "C|4|request|r1";

#[test]
fn request_heartbeats_are_sent_while_a_request_is_pending() {
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
fn no_request_heartbeat_follows_the_final_reply() {
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
fn no_request_heartbeat_follows_a_cancel() {
    let mut world = World::alive();
    world.request(1);
    world.cancel(1);
    world.did();
    world.advance(ms(5_000));
    assert_eq!(world.did(), [HELLO; 2]);
}

#[test]
fn no_request_heartbeat_is_sent_between_two_connections() {
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
fn the_user_can_send_a_request_heartbeat_at_any_time() {
    let mut world = World::alive();
    world.request(1);
    world.did();
    world.heartbeat(1);
    world.heartbeat(2);
    assert_eq!(world.did(), [WANTED]);
}

#[test]
fn unsent_requests_have_no_request_heartbeat() {
    let mut world = World::new(pigato_proto::config::ClientOptions::default());
    world.start();
    world.request(1);
    world.did();
    world.heartbeat(1);
    assert!(world.did().is_empty());
}
