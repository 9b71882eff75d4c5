//! `rand`: selects a free worker at random.

use pigato_proto::config::{BrokerOptions, DispatchMode};

use super::world::{numbered, World};

fn world() -> World {
    World::with(BrokerOptions::default().dispatch_mode(DispatchMode::Random))
}

#[test]
fn every_worker_receives_requests() {
    let mut world = world();
    let workers = numbered("w", 10);
    for worker in &workers {
        world.worker(worker, "echo");
    }
    for number in 0..500 {
        world.request("c1", "echo", &format!("r{number}"));
    }
    for worker in &workers {
        let count = world.jobs(worker).len();
        assert!((20..=90).contains(&count), "{worker} received {count} of 500");
    }
}

#[test]
fn every_version_of_a_range_receives_requests() {
    let mut world = world();
    world.worker("w1", "name@1.0.0");
    world.worker("w2", "name@1.1.0");
    for number in 0..100 {
        world.request("c1", "name@1", &format!("r{number}"));
    }
    assert!(world.jobs("w1").len() >= 25);
    assert!(world.jobs("w2").len() >= 25);
}

#[test]
fn a_full_worker_receives_no_requests() {
    let mut world = world();
    world.worker_of("full", "echo", 1);
    world.worker("w1", "echo");
    for number in 0..50 {
        world.request("c1", "echo", &format!("r{number}"));
    }
    assert_eq!(world.jobs("full").len(), 1);
    assert_eq!(world.jobs("w1").len(), 49);
}

#[test]
fn a_worker_that_rejected_the_request_does_not_receive_it_again() {
    let mut world = world();
    for worker in ["w1", "w2", "w3"] {
        world.worker(worker, "echo");
    }
    world.request("c1", "echo", "r1");
    for _ in 0..3 {
        let holder = ["w1", "w2", "w3"].into_iter().find(|worker| world.jobs(worker) == ["r1"]).expect("a holder");
        world.reject(holder, "r1");
    }
    assert_eq!(world.statistics().queued, 1);
}

#[test]
fn workers_that_left_are_not_selected() {
    let mut world = world();
    for worker in numbered("w", 5) {
        world.worker(&worker, "echo");
    }
    for gone in ["w2", "w5", "w1"] {
        world.send(gone, "W|5");
    }
    for number in 0..40 {
        world.request("c1", "echo", &format!("r{number}"));
    }
    assert_eq!(world.jobs("w3").len() + world.jobs("w4").len(), 40);
}
