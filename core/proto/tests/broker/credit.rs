//! Credit: the number of partial replies that a client accepts.

use super::world::World;

#[test]
fn credit_is_forwarded_to_a_worker_that_supports_it() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.received("w1");
    world.send("c1", "C|9||r1|5");
    assert_eq!(world.received("w1"), ["W|9|c1||r1|5"]);
}

#[test]
fn credit_is_not_forwarded_to_other_workers() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker_of("w2", "other", 1);
    world.request("c1", "echo", "r1");
    world.request("c1", "other", "r2");
    world.received("w1");
    world.received("w2");
    world.send("c1", "C|9||r1|5");
    world.send("c1", "C|9||r2|5");
    assert!(world.received("w1").is_empty());
    assert!(world.received("w2").is_empty());
}

#[test]
fn credit_for_unknown_or_foreign_requests_is_ignored() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.received("w1");
    world.send("c1", "C|9||other|5");
    world.send("c2", "C|9||r1|5");
    assert!(world.received("w1").is_empty());
}

#[test]
fn the_announced_credit_is_sent_with_the_request() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.hello("c1", r#","credit":8"#);
    world.request("c1", "echo", "r1");
    assert_eq!(world.received("w1"), [r#"W|2|c1|echo||r1|1|{}|{"remaining":60000,"attempt":1,"credit":8}"#]);
}

#[test]
fn credit_granted_before_dispatch_is_sent_with_the_request() {
    let mut world = World::new();
    world.hello("c1", r#","credit":8"#);
    world.request("c1", "echo", "r1");
    world.send("c1", "C|9||r1|4");
    world.modern_worker("w1", "echo");
    assert_eq!(world.received("w1"), [r#"W|2|c1|echo||r1|1|{}|{"remaining":60000,"attempt":1,"credit":12}"#]);
}

#[test]
fn a_retried_request_has_the_remaining_credit() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.hello("c1", r#","credit":8"#);
    world.request_with("c1", "echo", "r1", r#"{"retry":1}"#);
    for _ in 0..3 {
        world.partial("w1", "r1");
    }
    world.send("c1", "C|9||r1|2");
    world.send("w1", "W|5");
    world.modern_worker("w2", "echo");
    let expected = r#"W|2|c1|echo||r1|1|{"retry":1}|{"remaining":60000,"attempt":2,"credit":7}"#;
    assert_eq!(world.received("w2"), [expected]);
}

#[test]
fn a_worker_that_exceeds_the_credit_leaves_none() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.hello("c1", r#","credit":1"#);
    world.request_with("c1", "echo", "r1", r#"{"retry":1}"#);
    for _ in 0..3 {
        world.partial("w1", "r1");
    }
    world.send("w1", "W|5");
    world.modern_worker("w2", "echo");
    assert!(world.received("w2")[0].ends_with(r#""credit":0}"#));
}

#[test]
fn peers_without_the_capability_receive_no_credit() {
    let mut world = World::new();
    world.worker_of("w1", "without", 1);
    world.modern_worker("w2", "with");
    world.hello("counts", r#","credit":8"#);
    world.request("counts", "without", "r1");
    world.request("does-not", "with", "r2");
    assert!(world.received("w1")[0].ends_with(r#"{"remaining":60000,"attempt":1}"#));
    assert!(world.received("w2")[0].ends_with(r#"{"remaining":60000,"attempt":1}"#));
}

#[test]
fn after_a_reconnect_credit_is_sent_under_the_identity_that_the_worker_knows() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.request_with("old", "echo", "r1", r#"{"retry":1}"#);
    world.resend_with("new", "echo", "r1", r#"{"retry":1}"#);
    world.received("w1");
    world.send("new", "C|9||r1|5");
    assert_eq!(world.received("w1"), ["W|9|old||r1|5"]);
}

#[test]
fn credit_of_a_client_without_the_capability_is_ignored() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.send("c1", r#"C|4|{"v":1,"caps":["cancel"],"credit":8}"#);
    world.request("c1", "echo", "r1");
    assert!(world.received("w1")[0].ends_with(r#"{"remaining":60000,"attempt":1}"#));
}

#[test]
fn a_client_can_announce_credit_later() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.request_with("c1", "echo", "r1", r#"{"retry":1}"#);
    for _ in 0..3 {
        world.partial("w1", "r1");
    }
    world.send("c1", "C|9||r1|2");
    world.send("w1", "W|5");
    world.modern_worker("w2", "echo");
    assert!(world.received("w2")[0].ends_with(r#""attempt":2,"credit":2}"#));
}
