//! `failFast`: an error at once instead of waiting for a worker that does not exist.

use super::world::World;

const FAIL_FAST: &str = r#"{"failFast":true}"#;

#[test]
fn without_a_worker_it_fails_at_once() {
    let mut world = World::new();
    world.worker("w1", "other");
    world.request_with("c1", "echo", "r1", FAIL_FAST);
    assert_eq!(world.outcomes("c1"), ["r1 B_NO_WORKER"]);
    assert_eq!(world.statistics().clients, 0);
}

#[test]
fn without_fail_fast_it_waits() {
    let mut world = World::new();
    world.request_with("c1", "echo", "r1", r#"{"failFast":false}"#);
    world.request("c1", "echo", "r2");
    assert_eq!(world.statistics().queued, 2);
    assert!(world.outcomes("c1").is_empty());
}

#[test]
fn a_fail_fast_request_waits_for_a_busy_worker() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request("c1", "echo", "r1");
    world.request_with("c1", "echo", "r2", FAIL_FAST);
    assert!(world.outcomes("c1").is_empty());
    world.reply("w1", "r1");
    assert_eq!(world.jobs("w1"), ["r1", "r2"]);
}

#[test]
fn it_fails_when_the_last_matching_worker_leaves() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request("c1", "echo", "r1");
    world.request_with("c1", "echo", "r2", FAIL_FAST);
    world.request("c1", "echo", "r3");
    world.send("w1", "W|5");
    assert_eq!(world.outcomes("c1"), ["r1 B_WORKER_LOST", "r2 B_NO_WORKER"]);
    assert_eq!(world.statistics().queued, 1);
}

#[test]
fn it_fails_when_all_workers_have_rejected_it() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "echo");
    world.request_with("c1", "echo", "r1", FAIL_FAST);
    world.reject("w1", "r1");
    assert!(world.outcomes("c1").is_empty());
    world.reject("w2", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 B_REJECTED"]);
}

#[test]
fn it_fails_when_the_last_worker_that_has_not_rejected_it_leaves() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.worker_of("w2", "echo", 1);
    world.request_with("c1", "echo", "r1", FAIL_FAST);
    world.request("c1", "echo", "busy");
    world.reject("w1", "r1");
    assert!(world.outcomes("c1").is_empty());
    world.send("w2", "W|5");
    assert_eq!(world.outcomes("c1"), ["busy B_WORKER_LOST", "r1 B_REJECTED"]);
}

#[test]
fn a_missing_target_fails_at_once() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "other");
    world.request_with("c1", "echo", "absent", r#"{"failFast":true,"workerId":"w9"}"#);
    world.request_with("c1", "echo", "elsewhere", r#"{"failFast":true,"workerId":"w2"}"#);
    world.request_with("c1", "echo", "here", r#"{"failFast":true,"workerId":"w1"}"#);
    assert_eq!(world.outcomes("c1"), ["absent B_NO_WORKER", "elsewhere B_NO_WORKER"]);
    world.reject("w1", "here");
    assert_eq!(world.outcomes("c1"), ["here B_REJECTED"]);
}

#[test]
fn a_waiting_request_fails_when_its_target_leaves() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request("c1", "echo", "r1");
    world.request_with("c1", "echo", "r2", r#"{"failFast":true,"workerId":"w1"}"#);
    world.send("w1", "W|5");
    assert_eq!(world.outcomes("c1"), ["r2 B_NO_WORKER", "r1 B_WORKER_LOST"]);
}

#[test]
fn with_retry_it_fails_when_its_only_worker_is_lost() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request_with("c1", "echo", "r1", r#"{"failFast":true,"retry":1}"#);
    world.send("w1", "W|5");
    assert_eq!(world.outcomes("c1"), ["r1 B_NO_WORKER"]);
}
