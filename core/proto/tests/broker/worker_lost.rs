//! A request whose worker is lost ends at once with `B_WORKER_LOST`, unless it has `retry`.

use pigato_proto::broker::Loss;

use super::world::{ms, World};

#[test]
fn a_silent_workers_request_ends() {
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
fn a_disconnecting_workers_request_ends() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.send("w1", "W|5");
    assert_eq!(world.outcomes("c1"), ["r1 B_WORKER_LOST"]);
    assert_eq!(world.losses(), [Loss::Disconnected]);
}

#[test]
fn an_unroutable_workers_request_ends() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.unroutable("w1");
    assert_eq!(world.outcomes("c1"), ["r1 B_WORKER_LOST"]);
    assert_eq!(world.losses(), [Loss::Unroutable]);
    assert_eq!(world.statistics().undeliverable, 1);
}

#[test]
fn the_request_of_a_worker_that_reads_too_slowly_ends() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.overflow("w1");
    assert_eq!(world.outcomes("c1"), ["r1 B_WORKER_LOST"]);
    assert_eq!(world.losses(), [Loss::Overflow]);
}

#[test]
fn the_client_receives_a_complete_error_reply() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.send("w1", "W|5");
    let received = world.received("c1");
    let expected = r#"C|3||r1|-1|"B_WORKER_LOST"|{"origin":"broker","message":""#;
    assert!(received.len() == 1 && received[0].starts_with(expected), "{received:?}");
}

#[test]
fn only_the_lost_workers_requests_end() {
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
fn an_unknown_unroutable_peer_has_no_effect() {
    let mut world = World::new();
    world.unroutable("nobody");
    world.overflow("nobody");
    assert_eq!(world.statistics().undeliverable, 2);
    assert!(world.events().is_empty());
}
