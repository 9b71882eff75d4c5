//! The version 1 hello.

use pigato_proto::config::ClientOptions;

use super::support::ms;
use super::world::{World, ANSWER, HELLO};

#[test]
fn the_hello_is_the_first_message() {
    let mut world = World::new(ClientOptions::default());
    world.start();
    assert_eq!(world.did(), ["connect"]);
    world.connected();
    assert_eq!(world.did(), [HELLO]);
}

#[test]
fn the_hello_contains_the_heartbeat_interval() {
    let mut world = World::new(ClientOptions::default().heartbeat(ms(700)));
    world.start();
    world.connected();
    assert_eq!(world.did(), ["connect", &HELLO.replace("2500", "700")]);
}

#[test]
fn the_first_answer_confirms_the_connection() {
    let mut world = World::up();
    world.receive(ANSWER);
    world.receive(ANSWER);
    assert_eq!(world.did(), ["connected"]);
}

#[test]
fn a_published_brokers_heartbeat_is_an_answer() {
    let mut world = World::up();
    world.receive("C|4");
    assert_eq!(world.did(), ["connected"]);
}

#[test]
fn identities_begin_with_the_prefix_and_are_never_reused() {
    let mut world = World::new(ClientOptions::default().prefix("me".to_owned()));
    world.start();
    world.connected();
    world.lost();
    world.reconnect();
    world.stop();
    world.start();
    let identities: Vec<_> = world.owner.identities.iter().map(|identity| identity.to_text()).collect();
    assert_eq!(identities.len(), 3);
    assert!(identities.iter().all(|identity| identity.len() == "me-".len() + 36 && identity.starts_with("me-")));
}

#[test]
fn the_default_identity_is_c_and_two_uuids() {
    let mut world = World::new(ClientOptions::default());
    world.start();
    let identity = world.owner.identities[0].to_text();
    assert!(identity.starts_with('C'));
    assert_eq!(identity.len(), 1 + 36 + 1 + 36);
}
