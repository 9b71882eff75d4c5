//! A client gives up a broker that is silent for the liveness timeout.

use pigato_proto::config::ClientOptions;

use super::support::ms;
use super::world::{World, ANSWER, HELLO};

#[test]
fn a_broker_may_be_silent_for_3_intervals() {
    let mut world = World::alive();
    world.broker_dies();
    world.advance(ms(7_499));
    assert_eq!(world.did(), [HELLO; 2]);
    world.advance(ms(1));
    // The connection had lasted, so the next one follows at once.
    assert_eq!(world.did(), ["disconnect", "disconnected", "connect"]);
}

#[test]
fn every_message_is_a_sign_of_life() {
    let mut world = World::alive();
    world.broker_dies();
    world.advance(ms(7_000));
    world.receive("C|nonsense");
    world.did();
    world.advance(ms(7_499));
    assert_eq!(world.did(), [HELLO; 3]);
    world.advance(ms(1));
    assert_eq!(world.did()[0], "disconnect");
}

#[test]
fn the_liveness_setting_is_the_number_of_intervals() {
    let mut world = World::alive_with(ClientOptions::default().heartbeat(ms(3_000)).heartbeat_liveness(2_u32));
    world.broker_dies();
    world.advance(ms(5_999));
    assert!(!world.did().contains(&"disconnect".to_owned()));
    world.advance(ms(1));
    assert_eq!(world.did()[0], "disconnect");
}

#[test]
fn a_slower_brokers_own_interval_counts() {
    let mut world = World::up();
    world.receive(&ANSWER.replace("2500", "10000"));
    world.advance(ms(29_999));
    assert!(!world.did().contains(&"disconnect".to_owned()));
    world.advance(ms(1));
    assert_eq!(world.did()[0], "disconnect");
}

#[test]
fn for_a_faster_broker_the_clients_interval_counts() {
    let mut world = World::up();
    world.receive(&ANSWER.replace("2500", "100"));
    world.advance(ms(7_499));
    assert!(!world.did().contains(&"disconnect".to_owned()));
}

#[test]
fn the_next_connection_starts_with_the_clients_interval() {
    let mut world = World::up();
    world.receive(&ANSWER.replace("2500", "10000"));
    world.lost();
    world.reconnect();
    world.did();
    world.advance(ms(7_500));
    assert!(world.did().contains(&"disconnect".to_owned()));
}

#[test]
fn a_broker_that_never_answers_is_given_up() {
    let mut world = World::up();
    world.request(1);
    world.did();
    world.advance(ms(7_500));
    let expected = [HELLO, "C|4|request|r1", HELLO, "C|4|request|r1", "disconnect", "1 failed C_DISCONNECTED"];
    assert_eq!(world.did(), expected);
}

#[test]
fn messages_of_the_former_connection_are_ignored() {
    let mut world = World::alive();
    world.broker_dies();
    world.advance(ms(7_500));
    world.did();
    world.receive("C|4");
    assert!(world.did().is_empty());
}

#[test]
fn silence_does_not_count_while_the_owner_does_not_read() {
    let mut world = World::alive();
    world.broker_dies();
    world.advance(ms(7_000));
    world.not_reading();
    world.did();
    world.advance(ms(7_499));
    assert_eq!(world.did(), [HELLO; 3]);
    world.advance(ms(1));
    assert_eq!(world.did()[0], "disconnect");
}
