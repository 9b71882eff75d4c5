//! Start and stop.

use pigato_proto::config::ClientOptions;

use super::support::ms;
use super::world::{World, ANSWER, HELLO};

#[test]
fn stopping_ends_every_request_and_no_output_follows() {
    let mut world = World::alive();
    world.request(1);
    world.request(2);
    world.did();
    world.stop();
    let expected =
        ["C|8||r1", "1 failed C_CLOSED", "C|8||r2", "2 failed C_CLOSED", "disconnect", "disconnected", "stopped"];
    assert_eq!(world.did(), expected);
    world.receive("C|3||r1|0|1|{}");
    world.connected();
    world.lost();
    world.connect_failed();
    world.cancel(1);
    world.advance(ms(100_000));
    assert!(world.did().is_empty());
    assert_eq!(world.owner.next_deadline(), None);
}

#[test]
fn stopping_before_the_connection_is_up_ends_unsent_requests() {
    let mut world = World::new(ClientOptions::default());
    world.start();
    world.request(1);
    world.stop();
    assert_eq!(world.did(), ["connect", "1 failed C_CLOSED", "disconnect", "stopped"]);
}

#[test]
fn stopping_between_two_connections_closes_none() {
    let mut world = World::alive_with(ClientOptions::default().retry(true));
    world.request(1);
    world.lost();
    world.did();
    world.stop();
    assert_eq!(world.did(), ["1 failed C_CLOSED", "stopped"]);
}

#[test]
fn a_client_that_was_never_connected_reports_no_disconnect() {
    let mut world = World::up();
    world.stop();
    assert_eq!(world.did(), ["disconnect", "stopped"]);
}

#[test]
fn a_second_stop_and_a_second_start_do_nothing() {
    let mut world = World::alive();
    world.start();
    assert!(world.did().is_empty());
    world.stop();
    world.did();
    world.stop();
    assert!(world.did().is_empty());
}

#[test]
fn requests_to_a_stopped_client_end_at_once() {
    let mut world = World::new(ClientOptions::default());
    world.request(1);
    world.start();
    world.stop();
    world.did();
    world.request(2);
    assert_eq!(world.did(), ["2 failed C_CLOSED"]);
    assert_eq!(world.owner.machine.unanswered(), 0);
}

#[test]
fn a_stopped_client_can_be_started_again() {
    let mut world = World::alive();
    world.request(1);
    world.stop();
    world.did();
    world.start();
    world.connected();
    world.receive(ANSWER);
    world.request(2);
    let expected = ["connect", HELLO, "connected", r#"C|2|echo|r2|2|{"timeout":60000,"retry":0}"#];
    assert_eq!(world.did(), expected);
}
