//! Requests when the connection is lost.

use pigato_proto::config::{ClientOptions, RequestOptions};

use super::support::ms;
use super::world::{World, ANSWER, HELLO};

fn retry() -> RequestOptions {
    RequestOptions::default().retry(true)
}

#[test]
fn requests_with_retry_are_resent_under_their_ids_before_unsent_requests() {
    let mut world = World::alive();
    world.request_with(1, &retry());
    world.request_with(2, &retry());
    world.lost();
    world.request(3);
    world.did();
    world.reconnect();
    let expected = [
        "connect",
        HELLO,
        r#"C|2|echo|r1|1|{"timeout":60000,"retry":1}"#,
        r#"C|2|echo|r2|2|{"timeout":60000,"retry":1}"#,
        r#"C|2|echo|r3|3|{"timeout":60000,"retry":0}"#,
    ];
    assert_eq!(world.did(), expected);
    assert_ne!(world.owner.identities[0], world.owner.identities[1]);
}

#[test]
fn requests_without_retry_fail_once() {
    let mut world = World::alive();
    world.request(1);
    world.request_with(2, &retry());
    world.request(3);
    world.did();
    world.lost();
    let expected = ["disconnect", "disconnected", "1 failed C_DISCONNECTED", "3 failed C_DISCONNECTED"];
    assert_eq!(world.did(), expected);
    world.lost();
    assert!(world.did().is_empty());
}

#[test]
fn unsent_requests_stay_pending() {
    let mut world = World::alive();
    world.lost();
    world.request(1);
    world.did();
    world.reconnect();
    assert_eq!(world.did(), ["connect", HELLO, r#"C|2|echo|r1|1|{"timeout":60000,"retry":0}"#]);
}

#[test]
fn the_reply_is_accepted_on_the_new_connection() {
    let mut world = World::alive();
    world.request_with(1, &retry());
    world.receive("C|6||r1|0|1|{}");
    world.lost();
    world.reconnect();
    world.did();
    world.receive("C|3||r1|0|2|{}");
    assert_eq!(world.did(), ["connected", "1 final 0|2|{}"]);
}

#[test]
fn a_request_can_be_resent_any_number_of_times() {
    let mut world = World::alive();
    world.request_with(1, &retry());
    for _ in 0..5 {
        world.lost();
        world.did();
        world.reconnect();
        assert_eq!(world.did(), ["connect", HELLO, r#"C|2|echo|r1|1|{"timeout":60000,"retry":1}"#]);
    }
}

#[test]
fn the_timeout_continues_across_connections() {
    let mut world = World::alive();
    world.request_with(1, &retry().timeout(ms(2_000)));
    world.advance(ms(1_500));
    world.lost();
    world.reconnect();
    world.receive(ANSWER);
    world.did();
    world.advance(ms(500));
    assert_eq!(world.did(), ["C|8||r1", "1 failed C_TIMEOUT"]);
}

#[test]
fn the_former_brokers_capabilities_do_not_apply() {
    let mut world = World::alive();
    world.request_with(1, &retry());
    world.lost();
    world.reconnect();
    world.did();
    world.cancel(1);
    assert_eq!(world.did(), ["1 failed C_CANCELLED"]);
}

#[test]
fn a_failed_connect_ends_no_request() {
    let mut world = World::new(ClientOptions::default());
    world.start();
    world.request(1);
    world.connect_failed();
    world.did();
    world.reconnect();
    assert_eq!(world.did(), ["connect", HELLO, r#"C|2|echo|r1|1|{"timeout":60000,"retry":0}"#]);
}

#[test]
fn a_connection_that_fails_after_it_was_up_is_lost() {
    let mut world = World::alive();
    world.request(1);
    world.did();
    world.connect_failed();
    assert_eq!(world.did(), ["disconnect", "disconnected", "1 failed C_DISCONNECTED"]);
    world.reconnect();
    assert_eq!(world.did(), ["connect", HELLO]);
}
