//! Requests of a service are dispatched in the order of their arrival.

use super::world::{numbered, World};

#[test]
fn requests_are_dispatched_in_the_order_of_arrival() {
    let mut world = World::new();
    let ids = numbered("r", 20);
    for id in &ids {
        world.request(format!("client of {id}"), "echo", id);
    }
    world.worker_of("w1", "echo", 1);
    for id in &ids[..19] {
        world.reply("w1", id);
    }
    assert_eq!(world.jobs("w1"), ids);
}

#[test]
fn a_request_that_cannot_be_dispatched_keeps_its_place_and_blocks_no_other() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.worker_of("w2", "echo", 1);
    world.request("c1", "echo", "busy");
    assert_eq!(world.jobs("w1"), ["busy"]);
    world.request_with("c1", "echo", "targeted", r#"{"workerId":"w1"}"#);
    world.request("c1", "echo", "r1");
    world.request("c1", "echo", "r2");
    assert_eq!(world.jobs("w2"), ["r1"]);

    world.reply("w1", "busy");
    assert_eq!(world.jobs("w1"), ["targeted"]);
    world.reply("w1", "targeted");
    assert_eq!(world.jobs("w1"), ["r2"]);
}

#[test]
fn a_service_without_workers_does_not_delay_another() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "nobody", "r1");
    world.request("c1", "echo", "r2");
    assert_eq!(world.jobs("w1"), ["r2"]);
}
