//! `C_TIMEOUT`, to the millisecond.

use pigato_proto::config::{ClientOptions, RequestOptions, Timeout};

use super::support::ms;
use super::world::{World, HELLO};

fn timeout(millis: u64) -> RequestOptions {
    RequestOptions::default().timeout(ms(millis))
}

#[test]
fn it_comes_at_the_timeout_and_not_before() {
    let mut world = World::published();
    world.request_with(1, &timeout(10));
    world.did();
    world.advance(ms(9));
    assert!(world.did().is_empty());
    world.advance(ms(1));
    assert_eq!(world.did(), ["1 failed C_TIMEOUT"]);
}

#[test]
fn the_machine_asks_to_be_called_at_that_moment() {
    let mut world = World::published();
    world.advance(ms(100));
    world.request_with(1, &timeout(10));
    assert_eq!(world.client.next_deadline(), Some(ms(110)));
}

#[test]
fn the_clients_own_timeout_is_the_default() {
    let mut world = World::alive_with(ClientOptions::default().timeout(ms(30)));
    world.request(1);
    world.did();
    world.advance(ms(30));
    assert_eq!(world.did(), ["C|8||r1", "1 failed C_TIMEOUT"]);
}

#[test]
fn a_partial_reply_starts_the_time_anew() {
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
fn a_reply_in_time_is_the_end() {
    let mut world = World::published();
    world.request_with(1, &timeout(100));
    world.advance(ms(99));
    world.receive("C|3||r1|0|1|{}");
    world.did();
    world.advance(ms(1_000));
    assert!(world.did().is_empty());
}

#[test]
fn minus_one_is_never() {
    let mut world = World::published();
    world.request_with(1, &RequestOptions::default().timeout(Timeout::Never));
    world.did();
    world.advance(ms(10 * 3_600 * 1_000));
    assert!(!world.did().iter().any(|line| line.contains("failed")));
    assert_eq!(world.client.machine.unanswered(), 1);
}

#[test]
fn zero_is_at_once_but_the_request_is_sent() {
    let mut world = World::published();
    world.request_with(1, &timeout(0));
    world.advance(ms(0));
    assert_eq!(world.did(), [r#"C|2|echo|r1|1|{"timeout":0,"retry":0}"#, "1 failed C_TIMEOUT"]);
}

#[test]
fn several_come_in_the_order_of_their_deadlines() {
    let mut world = World::published();
    for (token, millis) in [(1, 30), (2, 10), (3, 20)] {
        world.request_with(token, &timeout(millis));
    }
    world.did();
    world.advance(ms(30));
    assert_eq!(world.did(), ["2 failed C_TIMEOUT", "3 failed C_TIMEOUT", "1 failed C_TIMEOUT"]);
}

#[test]
fn a_broker_of_version_1_is_told() {
    let mut world = World::alive();
    world.request_with(1, &timeout(10));
    world.did();
    world.advance(ms(10));
    assert_eq!(world.did(), ["C|8||r1", "1 failed C_TIMEOUT"]);
}

#[test]
fn a_broker_of_version_1_that_cannot_cancel_is_not_told() {
    let mut world = World::up();
    world.receive(r#"C|4|{"v":1,"caps":["credit"],"heartbeat":2500}"#);
    world.request_with(1, &timeout(10));
    world.did();
    world.advance(ms(10));
    assert_eq!(world.did(), ["1 failed C_TIMEOUT"]);
}

#[test]
fn a_request_that_was_not_sent_never_is() {
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
fn a_request_that_waits_to_be_sent_again_is_not() {
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
fn a_reply_that_comes_too_late_is_a_protocol_error() {
    let mut world = World::published();
    world.request_with(1, &timeout(10));
    world.advance(ms(10));
    world.did();
    world.receive("C|3||r1|0|1|{}");
    assert_eq!(world.did(), ["protocol error ERR_REQ_INVALID"]);
}
