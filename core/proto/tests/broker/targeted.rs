//! `workerId` names the only worker that may handle a request.

use super::world::{ms, World};

const TO_W1: &str = r#"{"workerId":"w1"}"#;

#[test]
fn a_targeted_request_goes_only_to_its_worker() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "echo");
    for id in ["r1", "r2", "r3"] {
        world.request_with("c1", "echo", id, TO_W1);
    }
    assert_eq!(world.jobs("w1"), ["r1", "r2", "r3"]);
    assert!(world.jobs("w2").is_empty());
}

#[test]
fn a_targeted_request_waits_for_its_busy_worker() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.worker("w2", "echo");
    world.request_with("c1", "echo", "r1", TO_W1);
    world.request_with("c1", "echo", "r2", TO_W1);
    assert_eq!(world.jobs("w1"), ["r1"]);
    world.reply("w1", "r1");
    assert_eq!(world.jobs("w1"), ["r2"]);
    assert!(world.jobs("w2").is_empty());
}

#[test]
fn targeted_and_other_requests_are_dispatched_in_order() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request("c1", "echo", "r1");
    world.request("c1", "echo", "r2");
    world.request_with("c1", "echo", "r3", TO_W1);
    world.request("c1", "echo", "r4");
    for id in ["r1", "r2", "r3"] {
        world.reply("w1", id);
    }
    assert_eq!(world.jobs("w1"), ["r1", "r2", "r3", "r4"]);
}

#[test]
fn a_targeted_request_waits_for_a_worker_that_registers_later() {
    let mut world = World::new();
    world.worker("w2", "echo");
    world.request_with("c1", "echo", "r1", TO_W1);
    world.request_with("c1", "echo", "r2", TO_W1);
    assert_eq!(world.statistics().queued, 2);
    world.worker("w1", "echo");
    assert_eq!(world.jobs("w1"), ["r1", "r2"]);
    assert!(world.jobs("w2").is_empty());
}

#[test]
fn a_target_of_another_service_does_not_receive_the_request() {
    let mut world = World::new();
    world.worker("w1", "other");
    world.request_with("c1", "echo", "r1", TO_W1);
    world.send("w1", "W|1|yet-another");
    assert!(world.jobs("w1").is_empty());
    world.send("w1", "W|1|echo");
    assert_eq!(world.jobs("w1"), ["r1"]);
}

#[test]
fn a_wildcard_worker_or_a_version_can_be_targeted() {
    let mut world = World::new();
    world.worker("w1", "ech*");
    world.worker("w2", "echo");
    world.worker("w3", "name@1.2.0");
    world.request_with("c1", "echo", "r1", TO_W1);
    world.request_with("c1", "name@^1", "r2", r#"{"workerId":"w3"}"#);
    world.request_with("c1", "name@^2", "r3", r#"{"workerId":"w3"}"#);
    world.request_with("c1", "names@^1", "r4", r#"{"workerId":"w3"}"#);
    assert_eq!(world.jobs("w1"), ["r1"]);
    assert_eq!(world.jobs("w3"), ["r2"]);
}

#[test]
fn a_binary_identity_is_targeted_by_its_hexadecimal_form() {
    let mut world = World::new();
    world.worker([0, 1, 2, 3, 0xff], "echo");
    world.worker("w2", "echo");
    world.request_with("c1", "echo", "r1", r#"{"workerId":"0x00010203ff"}"#);
    assert_eq!(world.jobs([0, 1, 2, 3, 0xff]), ["r1"]);
}

#[test]
fn a_targeted_request_waits_again_when_its_worker_leaves_before_dispatch() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.worker("w2", "echo");
    world.request_with("c1", "echo", "r1", TO_W1);
    world.request_with("c1", "echo", "r2", TO_W1);
    world.send("w1", "W|5");
    assert_eq!(world.outcomes("c1"), ["r1 B_WORKER_LOST"]);
    world.worker("w1", "echo");
    assert_eq!(world.jobs("w1"), ["r1", "r2"]);
    assert!(world.jobs("w2").is_empty());
}

#[test]
fn a_targeted_request_expires_wherever_it_waits() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request_with("c1", "echo", "r0", TO_W1);
    world.request_with("c1", "echo", "busy", r#"{"workerId":"w1","timeout":100}"#);
    world.request_with("c1", "echo", "absent", r#"{"workerId":"nobody","timeout":100}"#);
    world.advance(ms(100));
    assert_eq!(world.statistics().queued, 0);
    world.reply("w1", "r0");
    world.worker("nobody", "echo");
    assert_eq!(world.jobs("w1"), ["r0"]);
    assert!(world.jobs("nobody").is_empty());
}

#[test]
fn a_target_that_is_not_text_is_ignored() {
    let mut world = World::new();
    world.worker("w2", "echo");
    for (id, target) in [("r1", "null"), ("r2", "7"), ("r3", "\"\"")] {
        world.request_with("c1", "echo", id, &format!(r#"{{"workerId":{target}}}"#));
    }
    assert_eq!(world.jobs("w2"), ["r1", "r2", "r3"]);
}
