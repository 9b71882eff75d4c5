//! A rejected request goes to a worker that has not rejected it.

use super::world::{numbered, World};

#[test]
fn a_rejected_request_goes_to_another_worker() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "echo");
    world.request("c1", "echo", "r1");
    assert_eq!(world.jobs("w1"), ["r1"]);
    world.reject("w1", "r1");
    assert_eq!(world.received("w2").pop().as_deref(), Some("W|2|c1|echo||r1|1|{}"));
    world.reply("w2", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
    assert_eq!(world.statistics().rejects, 1);
}

#[test]
fn a_rejected_request_does_not_return_to_its_worker() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    assert_eq!(world.jobs("w1"), ["r1"]);
    world.reject("w1", "r1");
    world.limit("w1", 5);
    world.request("c1", "echo", "r2");
    world.reply("w1", "r2");
    assert_eq!(world.jobs("w1"), ["r2"]);
    assert_eq!(world.statistics().queued, 1);
}

#[test]
fn a_request_that_all_have_rejected_waits_for_a_new_worker() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "echo");
    world.request("c1", "echo", "r1");
    world.reject("w1", "r1");
    world.reject("w2", "r1");
    assert_eq!(world.statistics().queued, 1);
    assert!(world.outcomes("c1").is_empty());

    world.worker("w3", "echo");
    assert_eq!(world.jobs("w3"), ["r1"]);
}

#[test]
fn a_worker_that_announces_itself_again_counts_as_a_new_worker() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.reject("w1", "r1");
    world.worker("w1", "echo");
    assert_eq!(world.jobs("w1"), ["r1", "r1"]);
}

#[test]
fn a_rejected_request_keeps_its_place_in_the_queue() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.worker_of("w2", "echo", 1);
    for id in ["r1", "r2", "r3", "r4"] {
        world.request("c1", "echo", id);
    }
    assert_eq!([world.jobs("w1"), world.jobs("w2")], [["r1"], ["r2"]]);
    world.reject("w1", "r1");
    assert_eq!(world.jobs("w1"), ["r3"]);
    world.reply("w2", "r2");
    assert_eq!(world.jobs("w2"), ["r1"]);
}

#[test]
fn a_rejected_request_does_not_delay_the_requests_behind_it() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request("c1", "echo", "r1");
    world.request("c1", "echo", "r2");
    world.reject("w1", "r1");
    assert_eq!(world.jobs("w1"), ["r1", "r2"]);
}

#[test]
fn a_reject_frees_the_workers_slot() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request("c1", "echo", "r1");
    world.reject("w1", "r1");
    assert_eq!(world.statistics().in_flight, 0);
    world.request("c1", "echo", "r2");
    assert_eq!(world.jobs("w1"), ["r1", "r2"]);
}

#[test]
fn rejects_do_not_count_as_attempts() {
    let mut world = World::new();
    let workers = numbered("w", 10);
    for worker in &workers {
        world.worker_of(worker, "echo", 1);
    }
    world.request_with("c1", "echo", "r1", r#"{"retry":1}"#);
    for worker in &workers {
        assert_eq!(world.jobs(worker), ["r1"]);
        world.reject(worker, "r1");
    }
    world.worker_of("lost", "echo", 1);
    world.send("lost", "W|5");
    world.modern_worker("last", "echo");
    assert!(world.received("last")[0].ends_with(r#""attempt":2}"#));
}

#[test]
fn a_rejected_targeted_request_waits_for_the_next_session_of_its_worker() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "echo");
    world.request_with("c1", "echo", "r1", r#"{"workerId":"w1"}"#);
    world.reject("w1", "r1");
    world.limit("w1", 7);
    assert_eq!(world.jobs("w1"), ["r1"]);
    assert!(world.jobs("w2").is_empty());
    world.worker("w1", "echo");
    assert_eq!(world.jobs("w1"), ["r1"]);
}

#[test]
fn requests_with_different_rejects_reach_all_their_matching_workers() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.worker_of("w2", "echo", 1);
    for id in ["r1", "r2"] {
        world.request("c1", "echo", id);
    }
    world.reject("w1", "r1");
    world.reject("w2", "r2");
    assert_eq!(world.jobs("w1"), ["r1", "r2"]);
    assert_eq!(world.jobs("w2"), ["r2", "r1"]);
}
