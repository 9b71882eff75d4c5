//! A worker that violates the protocol receives one disconnect.

use pigato_proto::broker::Loss;

use super::world::World;

/// A world with a worker that has answered `r1` and has `r2` in flight.
fn world() -> World {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.reply("w1", "r1");
    world.request("c1", "echo", "r2");
    world.received("w1");
    world.received("c1");
    world
}

const VIOLATIONS: &[(&str, &str)] = &[
    ("a second final reply", "W|3|c1||r1|0|2|{}"),
    ("a partial reply after the final one", "W|6|c1||r1|0|2|{}"),
    ("a reject after the final reply", "W|7|c1||r1|0|2|{}"),
    ("a reply to a request that was never delivered to it", "W|3|c1||other|0|2|{}"),
    ("a reply without a request id", "W|3|c1||"),
    ("a reply without anything", "W|3"),
    ("no type", "W"),
    ("a ready without a service", "W|1"),
    ("a ready with an empty service", "W|1|"),
];

#[test]
fn every_violation_is_answered_with_one_disconnect() {
    for (breach, message) in VIOLATIONS {
        let mut world = world();
        world.send("w1", message);
        assert_eq!(world.received("w1"), ["W|5"], "{breach}");
        assert_eq!(world.losses(), [Loss::ProtocolError], "{breach}");
        assert_eq!(world.statistics().protocol_errors, 1, "{breach}");
        assert_eq!(world.outcomes("c1"), ["r2 B_WORKER_LOST"], "{breach}");
    }
}

#[test]
fn further_violations_cause_no_further_disconnect() {
    let mut world = world();
    for (_, message) in VIOLATIONS {
        world.send("w1", message);
    }
    world.send("w1", "W|4||{}");
    world.send("w1", "W|3|c1||r2|0|2|{}");
    world.send("w1", "W|5");
    assert_eq!(world.received("w1"), ["W|5"]);
    assert_eq!(world.statistics().protocol_errors, VIOLATIONS.len() as u64 + 2);
}

#[test]
fn a_worker_cannot_answer_another_workers_request() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "echo");
    world.request("c1", "echo", "r1");
    world.send("w2", "W|3|c1||r1|0|2|{}");
    assert_eq!(world.received("w2"), ["W|5"]);
    assert!(world.outcomes("c1").is_empty());
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
}

#[test]
fn a_lost_worker_cannot_answer_a_request_retried_elsewhere() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "echo");
    world.request_with("c1", "echo", "r1", r#"{"retry":1}"#);
    world.send("w1", "W|5");
    world.worker("w1", "echo");
    world.received("w1");
    world.send("w1", "W|3|c1||r1|0|\"stale\"|{}");
    assert_eq!(world.received("w1"), ["W|5"]);
    assert!(world.outcomes("c1").is_empty());
}

#[test]
fn a_clients_violation_is_counted_and_not_answered() {
    let mut world = World::new();
    for message in ["C", "C|99", "C|1|echo", "C|8", "C|8||", "C|9||r1|0", "C|9||r1|x", "C|9||r1", "C|3||r1"] {
        world.send("c1", message);
        assert!(world.received("c1").is_empty(), "{message}");
    }
    assert_eq!(world.statistics().protocol_errors, 9);
    assert_eq!(world.statistics().clients, 0);
}

#[test]
fn an_unknown_message_type_is_only_counted() {
    let mut world = world();
    for message in ["W|99|x", "W|2|echo|r1|1|{}", "W||", "C|99|x"] {
        world.send("w1", message);
    }
    world.send("stranger", "W|99|x");
    assert!(world.received("w1").is_empty());
    assert!(world.received("stranger").is_empty());
    assert_eq!(world.statistics().protocol_errors, 5);
    world.reply("w1", "r2");
    assert_eq!(world.outcomes("c1"), ["r2 ok"]);
}
