//! `load`: selects the worker with the fewest requests in flight, among equals the least recently
//! used.

use super::world::{ms, World};

#[test]
fn the_worker_with_the_fewest_requests_in_flight_is_selected() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "echo");
    for id in ["r1", "r2", "r3", "r4"] {
        world.request("c1", "echo", id);
    }
    assert_eq!(world.jobs("w1"), ["r1", "r3"]);
    assert_eq!(world.jobs("w2"), ["r2", "r4"]);

    world.reply("w2", "r2");
    world.reply("w2", "r4");
    world.request("c1", "echo", "r5");
    world.request("c1", "echo", "r6");
    assert_eq!(world.jobs("w2"), ["r5", "r6"]);
}

#[test]
fn among_equals_the_least_recently_used_is_selected() {
    let mut world = World::new();
    for worker in ["w1", "w2", "w3"] {
        world.worker(worker, "echo");
    }
    for turn in 0..6 {
        let worker = ["w1", "w2", "w3"][turn % 3];
        let id = format!("r{turn}");
        world.request("c1", "echo", &id);
        assert_eq!(world.jobs(worker), [id.as_str()]);
        world.reply(worker, &id);
    }
}

#[test]
fn a_new_worker_is_preferred_to_used_ones() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.reply("w1", "r1");
    world.worker("w2", "echo");
    world.request("c1", "echo", "r2");
    assert_eq!(world.jobs("w2"), ["r2"]);
}

#[test]
fn a_stuck_worker_gets_no_more_than_its_concurrency_while_others_are_free() {
    let mut world = World::new();
    world.worker_of("stuck", "echo", 2);
    world.worker_of("w1", "echo", 2);
    for turn in 0..50 {
        world.request("c1", "echo", &format!("r{turn}"));
        for id in world.jobs("w1") {
            world.reply("w1", &id);
        }
    }
    assert_eq!(world.jobs("stuck").len(), 1);
    assert_eq!(world.statistics().queued, 0);
}

#[test]
fn a_worker_whose_requests_expire_is_not_preferred() {
    let mut world = World::new();
    world.worker("stuck", "echo");
    world.worker("w1", "echo");
    let mut at_stuck = 0;
    for turn in 0..20 {
        world.request_with("c1", "echo", &format!("r{turn}"), r#"{"timeout":10}"#);
        for id in world.jobs("w1") {
            world.reply("w1", &id);
        }
        at_stuck += world.jobs("stuck").len();
        world.advance(ms(10));
    }
    assert_eq!(at_stuck, 1);
}

#[test]
fn after_its_late_replies_a_worker_counts_as_free() {
    let mut world = World::new();
    world.worker("slow", "echo");
    for id in ["r1", "r2"] {
        world.request_with("c1", "echo", id, r#"{"timeout":10}"#);
    }
    world.advance(ms(10));
    world.worker("w1", "echo");
    for id in ["r1", "r2"] {
        world.reply("slow", id);
    }
    world.received("slow");
    world.request("c1", "echo", "r3");
    world.request("c1", "echo", "r4");
    assert_eq!([world.jobs("w1"), world.jobs("slow")], [["r3"], ["r4"]]);
}

#[test]
fn a_worker_that_received_the_cancel_counts_as_free_at_once() {
    let mut world = World::new();
    world.modern_worker("modern", "echo");
    for id in ["r1", "r2"] {
        world.request("c1", "echo", id);
        world.send("c1", &format!("C|8||{id}"));
    }
    world.received("modern");
    world.modern_worker("w1", "echo");
    world.request("c1", "echo", "r3");
    world.request("c1", "echo", "r4");
    assert_eq!([world.jobs("w1"), world.jobs("modern")], [["r3"], ["r4"]]);
}
