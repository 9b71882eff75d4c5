//! The worker's announcement.

use pigato_proto::config::{Concurrency, WorkerOptions};

use super::support::ms;
use super::world::{World, ANSWER, HEARTBEAT, READY};

#[test]
fn the_announcement_is_the_first_message_and_a_heartbeat_follows() {
    // A published broker learns the concurrency only from heartbeats.
    let mut world = World::new(WorkerOptions::default());
    world.start();
    assert_eq!(world.did(), ["connect"]);
    world.connected();
    assert_eq!(world.did(), [READY, HEARTBEAT]);
}

#[test]
fn the_announcement_contains_interval_and_concurrency() {
    let options = WorkerOptions::default().heartbeat(ms(700)).concurrency(Concurrency::Unlimited);
    let mut world = World::new(options);
    world.start();
    world.connected();
    let ready = READY.replace("2500", "700").replace(":100}", ":-1}");
    assert_eq!(world.did(), ["connect", &ready, r#"W|4||{"concurrency":-1}"#]);
}

#[test]
fn the_first_answer_confirms_the_connection() {
    for answer in [ANSWER, "W|1", "W|4"] {
        let mut world = World::up();
        world.receive(answer);
        assert_eq!(world.did(), ["connected"]);
        world.receive(answer);
        assert!(world.did().is_empty());
    }
}

#[test]
fn the_default_identity_is_w_and_two_uuids() {
    let mut world = World::new(WorkerOptions::default());
    world.start();
    let identity = world.owner.identities[0].to_text();
    assert!(identity.starts_with('W'));
    assert_eq!(identity.len(), 1 + 36 + 1 + 36);
}

#[test]
fn identities_begin_with_the_prefix() {
    let mut world = World::new(WorkerOptions::default().prefix("me".to_owned()));
    world.start();
    assert!(world.owner.identities[0].to_text().starts_with("me-"));
}
