//! A client can cancel a request.

use super::world::World;

#[test]
fn a_queued_request_leaves_the_queue() {
    let mut world = World::new();
    world.request("c1", "echo", "r1");
    world.request("c1", "echo", "r2");
    world.send("c1", "C|8||r1");
    assert_eq!(world.statistics().cancelled, 1);
    world.worker("w1", "echo");
    assert_eq!(world.jobs("w1"), ["r2"]);
    assert!(world.received("c1").is_empty());
}

#[test]
fn a_version_1_worker_receives_a_cancel() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.received("w1");
    world.send("c1", "C|8||r1");
    assert_eq!(world.received("w1"), ["W|8|c1||r1"]);
    assert_eq!(world.statistics().in_flight, 0);
}

#[test]
fn a_published_worker_receives_no_cancel() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker_of("w2", "without-cancel", 1);
    world.request("c1", "echo", "r1");
    world.request("c1", "without-cancel", "r2");
    world.received("w1");
    world.received("w2");
    world.send("c1", "C|8||r1");
    world.send("c1", "C|8||r2");
    assert!(world.received("w1").is_empty());
    assert!(world.received("w2").is_empty());
    assert_eq!(world.statistics().in_flight, 0);
}

#[test]
fn the_workers_slot_is_free_for_the_next_request_at_once() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request("c1", "echo", "r1");
    world.request("c1", "echo", "r2");
    world.send("c1", "C|8||r1");
    assert_eq!(world.jobs("w1"), ["r1", "r2"]);
}

#[test]
fn the_cancel_precedes_the_next_request() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.limit("w1", 1);
    world.request("c1", "echo", "r1");
    world.request("c1", "echo", "r2");
    world.received("w1");
    world.send("c1", "C|8||r1");
    let received = world.received("w1");
    assert_eq!(received[0], "W|8|c1||r1");
    assert!(received[1].starts_with("W|2|c1|echo||r2|"));
}

#[test]
fn cancelling_an_unknown_request_has_no_effect() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.received("w1");
    world.send("c1", "C|8||other");
    world.send("c2", "C|8||r1");
    assert!(world.received("w1").is_empty());
    assert_eq!(world.statistics().cancelled, 0);
    assert_eq!(world.statistics().in_flight, 1);
    world.reply("w1", "r1");
    world.send("c1", "C|8||r1");
    assert!(world.received("w1").is_empty());
}

#[test]
fn waiting_requests_of_every_kind_can_be_cancelled() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request("c1", "echo", "in flight");
    world.request("c1", "echo", "queued");
    world.request_with("c1", "echo", "targeted", r#"{"workerId":"w1"}"#);
    world.request_with("c1", "echo", "orphaned", r#"{"workerId":"w2"}"#);
    world.reject("w1", "in flight");
    for id in ["in flight", "targeted", "orphaned", "queued"] {
        world.send("c1", &format!("C|8||{id}"));
    }
    let statistics = world.statistics();
    assert_eq!((statistics.queued, statistics.in_flight, statistics.cancelled), (0, 0, 4));
}
