//! `C_TIMEOUT`, to the millisecond.

use pigato_proto::config::{ClientOptions, RequestOptions, Timeout};

use super::support::ms;
use super::world::{World, HELLO};

fn timeout(millis: u64) -> RequestOptions {
    RequestOptions::default().timeout(ms(millis))
}

#[test]
fn a_request_fails_exactly_at_its_timeout() {
    let mut world = World::published();
    world.request_with(1, &timeout(10));
    world.did();
    world.advance(ms(9));
    assert!(world.did().is_empty());
    world.advance(ms(1));
    assert_eq!(world.did(), ["1 failed C_TIMEOUT"]);
}

#[test]
fn the_machines_next_deadline_is_the_timeout() {
    let mut world = World::published();
    world.advance(ms(100));
    world.request_with(1, &timeout(10));
    assert_eq!(world.owner.next_deadline(), Some(ms(110)));
}

#[test]
fn the_clients_timeout_is_the_default() {
    let mut world = World::alive_with(ClientOptions::default().timeout(ms(30)));
    world.request(1);
    world.did();
    world.advance(ms(30));
    assert_eq!(world.did(), ["C|8||r1", "1 failed C_TIMEOUT"]);
}

#[test]
fn a_partial_reply_restarts_the_timeout() {
    let mut world = World::published();
    world.request_with(1, &timeout(100));
    world.advance(ms(99));
    world.receive("C|6||r1|0|1|{}");
    world.did();
    world.advance(ms(99));
    assert!(world.did().is_empty());
    world.advance(ms(1));
    assert_eq!(world.did(), ["1 failed C_TIMEOUT"]);
}

#[test]
fn no_timeout_follows_a_reply() {
    let mut world = World::published();
    world.request_with(1, &timeout(100));
    world.advance(ms(99));
    world.receive("C|3||r1|0|1|{}");
    world.did();
    world.advance(ms(1_000));
    assert!(world.did().is_empty());
}

#[test]
fn minus_one_means_no_timeout() {
    let mut world = World::published();
    world.request_with(1, &RequestOptions::default().timeout(Timeout::Never));
    world.did();
    world.advance(ms(10 * 3_600 * 1_000));
    assert!(!world.did().iter().any(|line| line.contains("failed")));
    assert_eq!(world.owner.machine.unanswered(), 1);
}

#[test]
fn a_timeout_of_0_fails_at_once_but_the_request_is_sent() {
    let mut world = World::published();
    world.request_with(1, &timeout(0));
    world.advance(ms(0));
    assert_eq!(world.did(), [r#"C|2|echo|r1|1|{"timeout":0,"retry":0}"#, "1 failed C_TIMEOUT"]);
}

#[test]
fn timeouts_fire_in_the_order_of_their_deadlines() {
    let mut world = World::published();
    for (number, millis) in [(1, 30), (2, 10), (3, 20)] {
        world.request_with(number, &timeout(millis));
    }
    world.did();
    world.advance(ms(30));
    assert_eq!(world.did(), ["2 failed C_TIMEOUT", "3 failed C_TIMEOUT", "1 failed C_TIMEOUT"]);
}

#[test]
fn a_version_1_broker_receives_a_cancel() {
    let mut world = World::alive();
    world.request_with(1, &timeout(10));
    world.did();
    world.advance(ms(10));
    assert_eq!(world.did(), ["C|8||r1", "1 failed C_TIMEOUT"]);
}

#[test]
fn a_version_1_broker_without_cancel_receives_none() {
    let mut world = World::up();
    world.receive(r#"C|4|{"v":1,"caps":["credit"],"heartbeat":2500}"#);
    world.request_with(1, &timeout(10));
    world.did();
    world.advance(ms(10));
    assert_eq!(world.did(), ["1 failed C_TIMEOUT"]);
}

#[test]
fn a_request_that_times_out_before_it_was_sent_is_never_sent() {
    let mut world = World::new(ClientOptions::default());
    world.start();
    world.request_with(1, &timeout(10));
    world.request_with(2, &timeout(20));
    world.advance(ms(15));
    assert_eq!(world.did(), ["connect", "1 failed C_TIMEOUT"]);
    world.connected();
    assert_eq!(world.did(), [HELLO, r#"C|2|echo|r2|2|{"timeout":20,"retry":0}"#]);
}

#[test]
fn a_request_that_times_out_between_two_connections_is_not_resent() {
    let mut world = World::alive_with(ClientOptions::default().retry(true));
    world.request_with(1, &timeout(10));
    world.lost();
    world.did();
    world.advance(ms(10));
    assert_eq!(world.did(), ["1 failed C_TIMEOUT"]);
    world.reconnect();
    assert_eq!(world.did(), ["connect", HELLO]);
}

#[test]
fn a_late_reply_is_a_protocol_error() {
    let mut world = World::published();
    world.request_with(1, &timeout(10));
    world.advance(ms(10));
    world.did();
    world.receive("C|3||r1|0|1|{}");
    assert_eq!(world.did(), ["protocol error ERR_REQ_INVALID"]);
}
