//! A broker restarted behind the same connection has another name and no state; a broker that gave
//! the client up and dropped its state answers with another session.

use pigato_proto::config::RequestOptions;

use super::support::ms;
use super::world::{World, ANSWER, HELLO};

const OTHER: &str = r#"C|4|{"v":1,"caps":["cancel","credit","codec"],"heartbeat":2500,"name":"B2"}"#;

#[test]
fn another_name_is_treated_as_a_lost_connection() {
    let mut world = World::alive();
    world.request(1);
    world.request_with(2, &RequestOptions::default().retry(true));
    world.did();
    world.receive(OTHER);
    assert_eq!(world.did(), ["disconnect", "disconnected", "1 failed C_DISCONNECTED"]);
    world.reconnect();
    assert_eq!(world.did(), ["connect", HELLO, r#"C|2|echo|r2|2|{"timeout":60000,"retry":1}"#]);
}

#[test]
fn after_a_connection_that_lasted_the_next_one_follows_at_once() {
    let mut world = World::alive();
    world.advance(ms(5_000));
    world.receive(OTHER);
    assert_eq!(world.reconnect(), ms(0));
}

#[test]
fn the_new_name_is_expected_on_the_new_connection() {
    let mut world = World::alive();
    world.receive(OTHER);
    world.reconnect();
    world.receive(OTHER);
    world.did();
    world.receive(OTHER);
    assert!(world.did().is_empty());
    world.receive(ANSWER);
    assert_eq!(world.did(), ["disconnect", "disconnected"]);
}

#[test]
fn a_plain_heartbeat_does_not_change_the_name() {
    let mut world = World::alive();
    world.receive("C|4");
    world.receive(ANSWER);
    assert!(world.did().is_empty());
}

#[test]
fn another_session_is_treated_as_a_lost_connection() {
    let answer = |session: u32| ANSWER.replace("\"B1\"", &format!("\"B1\",\"session\":{session}"));
    let mut world = World::up();
    world.receive(&answer(1));
    world.receive(&answer(1));
    world.request_with(1, &RequestOptions::default().retry(true));
    world.did();
    world.receive(&answer(2));
    assert_eq!(world.did(), ["disconnect", "disconnected"]);
    world.reconnect();
    assert_eq!(world.did(), ["connect", HELLO, r#"C|2|echo|r1|1|{"timeout":60000,"retry":1}"#]);
}
