//! A worker that the broker does not know receives a disconnect, so that it announces itself.

use super::world::World;

#[test]
fn the_heartbeat_of_an_unknown_worker_is_answered_with_one_disconnect() {
    let mut world = World::new();
    for _ in 0..3 {
        world.send("w1", r#"W|4||{"concurrency":5}"#);
    }
    assert_eq!(world.received("w1"), ["W|5"]);
    assert_eq!(world.statistics().workers, 0);
}

#[test]
fn a_ready_starts_a_new_session() {
    let mut world = World::new();
    world.send("w1", "W|4||{}");
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    assert_eq!(world.received("w1"), ["W|5", "W|2|c1|echo||r1|1|{}"]);

    world.send("w1", "W|3|c1||other|0|2|{}");
    assert_eq!(world.received("w1"), ["W|5"]);
    world.send("w1", "W|4||{}");
    assert!(world.received("w1").is_empty());
}

#[test]
fn a_disconnect_is_answered_with_a_disconnect() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.send("w1", "W|5");
    assert_eq!(world.received("w1"), ["W|5"]);
    world.send("w1", "W|5");
    assert!(world.received("w1").is_empty());
    assert_eq!(world.statistics().protocol_errors, 0);
}

#[test]
fn the_disconnect_of_an_unknown_worker_is_answered_once() {
    let mut world = World::new();
    world.send("w1", "W|5");
    world.send("w1", "W|5");
    assert_eq!(world.received("w1"), ["W|5"]);
}

#[test]
fn of_many_unknown_workers_the_latest_receive_one_disconnect_each() {
    let mut world = World::new();
    let strangers = pigato_proto::limits::DISCONNECTED_IDENTITIES;
    for number in 0..strangers {
        world.send(format!("stranger {number}"), "W|4||{}");
    }
    let latest = format!("stranger {}", strangers - 1);
    world.send(&latest, "W|4||{}");
    assert_eq!(world.received(&latest), ["W|5"]);
}
