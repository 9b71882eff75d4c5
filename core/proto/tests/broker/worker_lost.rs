//! A request whose worker is lost ends at once with `B_WORKER_LOST`, unless it may be retried.

use pigato_proto::broker::Loss;

use super::world::{ms, World};

#[test]
fn by_silence() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.advance(ms(7_499));
    assert!(world.outcomes("c1").is_empty());
    world.advance(ms(1));
    assert_eq!(world.outcomes("c1"), ["r1 B_WORKER_LOST"]);
    assert_eq!(world.losses(), [Loss::Silent]);
}

#[test]
fn by_its_own_word() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.send("w1", "W|5");
    assert_eq!(world.outcomes("c1"), ["r1 B_WORKER_LOST"]);
    assert_eq!(world.losses(), [Loss::Disconnected]);
}

#[test]
fn by_a_connection_that_is_gone() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.unroutable("w1");
    assert_eq!(world.outcomes("c1"), ["r1 B_WORKER_LOST"]);
    assert_eq!(world.losses(), [Loss::Unroutable]);
    assert_eq!(world.statistics().undeliverable, 1);
}

#[test]
fn by_reading_too_slowly() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.overflow("w1");
    assert_eq!(world.outcomes("c1"), ["r1 B_WORKER_LOST"]);
    assert_eq!(world.losses(), [Loss::Overflow]);
}

#[test]
fn the_client_is_told_in_the_frames_of_a_reply() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.send("w1", "W|5");
    let received = world.received("c1");
    let expected = r#"C|3||r1|-1|"B_WORKER_LOST"|{"origin":"broker","message":""#;
    assert!(received.len() == 1 && received[0].starts_with(expected), "{received:?}");
}

#[test]
fn only_its_own_requests_end() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "echo");
    world.request("c1", "echo", "r1");
    world.request("c1", "echo", "r2");
    world.send("w1", "W|5");
    assert_eq!(world.outcomes("c1"), ["r1 B_WORKER_LOST"]);
    world.reply("w2", "r2");
    assert_eq!(world.outcomes("c1"), ["r2 ok"]);
}

#[test]
fn an_unknown_peer_that_is_unroutable_costs_nothing() {
    let mut world = World::new();
    world.unroutable("nobody");
    world.overflow("nobody");
    assert_eq!(world.statistics().undeliverable, 2);
    assert!(world.events().is_empty());
}
