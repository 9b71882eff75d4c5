//! A rejected request goes to a worker that has not rejected it.

use super::world::{numbered, World};

#[test]
fn it_goes_to_another_worker() {
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
fn it_never_bounces_back() {
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
fn rejected_by_all_it_waits_for_a_new_worker() {
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
fn a_worker_that_announces_itself_anew_is_a_new_worker() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.reject("w1", "r1");
    world.worker("w1", "echo");
    assert_eq!(world.jobs("w1"), ["r1", "r1"]);
}

#[test]
fn it_keeps_its_place_in_the_queue() {
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
fn what_waits_behind_it_is_not_held_up() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request("c1", "echo", "r1");
    world.request("c1", "echo", "r2");
    world.reject("w1", "r1");
    assert_eq!(world.jobs("w1"), ["r1", "r2"]);
}

#[test]
fn it_frees_the_workers_slot() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request("c1", "echo", "r1");
    world.reject("w1", "r1");
    assert_eq!(world.statistics().in_flight, 0);
    world.request("c1", "echo", "r2");
    assert_eq!(world.jobs("w1"), ["r1", "r2"]);
}

#[test]
fn rejects_are_no_attempts() {
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
fn a_targeted_request_waits_for_the_next_life_of_its_worker() {
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
fn requests_with_different_histories_reach_every_worker_that_may_have_them() {
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
