//! A client reuses an id while a worker may still answer the earlier request under it, which the
//! broker ended. That worker's replies cannot be distinguished; it must not be penalised, and no
//! request may wait forever.

use pigato_proto::config::{BrokerOptions, DispatchMode};

use super::world::{ms, World};

/// A world in which `r1` of `c1` was delivered to the published worker `w1` `times` times; the
/// broker ended all but the last.
fn delivered(times: usize) -> World {
    let mut world = World::new();
    world.worker("w1", "echo");
    for _ in 1..times {
        world.request("c1", "echo", "r1");
        world.send("c1", "C|8||r1");
    }
    world.request("c1", "echo", "r1");
    assert_eq!(world.jobs("w1").len(), times);
    world
}

#[test]
fn a_reused_id_goes_to_another_worker_even_if_that_is_busier() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.modern_worker("w2", "echo");
    world.request("c1", "echo", "r1");
    world.request("c1", "echo", "r2");
    world.send("c1", "C|8||r1");
    world.request("c1", "echo", "r1");
    assert_eq!(world.jobs("w1"), ["r1"]);
    assert_eq!(world.jobs("w2"), ["r2", "r1"]);

    world.send("w1", "W|3|c1||r1|0|\"late\"|{}");
    assert!(world.received("c1").is_empty());
    world.send("w2", "W|3|c1||r1|0|\"true\"|{}");
    assert_eq!(world.received("c1"), ["C|3||r1|0|\"true\"|{}"]);
    assert_eq!(world.statistics().late_replies, 1);
}

#[test]
fn a_reused_id_goes_to_another_worker_with_random_dispatch() {
    for _ in 0..10 {
        let mut world = World::with(BrokerOptions::default().dispatch_mode(DispatchMode::Random));
        world.worker("w1", "echo");
        world.request("c1", "echo", "r1");
        world.send("c1", "C|8||r1");
        world.worker("w2", "echo");
        world.worker("w3", "echo");
        for number in 0..20 {
            world.request("c1", "echo", &format!("other{number}"));
        }
        world.jobs("w1");
        world.request("c1", "echo", "r1");
        assert!(!world.jobs("w1").contains(&"r1".to_owned()));
    }
}

#[test]
fn a_reused_id_goes_to_a_worker_of_another_version() {
    let mut world = World::new();
    world.modern_worker("w1", "math@1.0.0");
    world.request("c1", "math@1.x", "r1");
    world.send("c1", "C|8||r1");
    world.modern_worker("w2", "math@1.1.0");
    world.request("c1", "math@1.1.0", "r2");
    world.request("c1", "math@1.x", "r1");
    assert_eq!(world.jobs("w2"), ["r2", "r1"]);
}

#[test]
fn a_reused_id_whose_worker_was_lost_goes_to_another_worker() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.send("c1", "C|8||r1");
    world.modern_worker("w2", "echo");
    world.request("c1", "echo", "r2");
    world.request_with("c1", "echo", "r1", r#"{"retry":1}"#);
    assert_eq!(world.jobs("w2"), ["r2", "r1"]);
    world.modern_worker("w3", "echo");
    world.request("c1", "echo", "r3");
    world.send("w2", "W|5");
    assert_eq!(world.jobs("w3"), ["r3", "r1"]);
}

#[test]
fn a_targeted_reused_id_does_not_wait() {
    let mut world = delivered(2);
    world.send("c1", "C|8||r1");
    world.worker("w2", "echo");
    world.request_with("c1", "echo", "r1", r#"{"workerId":"w1"}"#);
    assert_eq!(world.jobs("w1"), ["r1"]);
}

#[test]
fn without_another_worker_the_client_gets_one_reply_and_the_worker_stays() {
    let mut world = delivered(2);
    world.reply("w1", "r1");
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
    assert!(world.received("w1").is_empty());
    assert_eq!(world.statistics().late_replies, 1);
    assert_eq!(world.statistics().protocol_errors, 0);
}

#[test]
fn each_ended_request_permits_one_late_final_reply() {
    let mut world = delivered(5);
    for _ in 0..5 {
        world.reply("w1", "r1");
    }
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
    assert_eq!(world.statistics().late_replies, 4);
    assert_eq!(world.statistics().workers, 1);
    world.send("w1", "W|3|c1||r1|0|2|{}");
    assert_eq!(world.received("w1"), ["W|5"], "one reply more than delivered");
}

#[test]
fn expired_requests_permit_late_replies() {
    let mut world = World::new();
    world.worker("w1", "echo");
    for _ in 0..3 {
        world.request_with("c1", "echo", "r1", r#"{"timeout":10}"#);
        world.advance(ms(10));
    }
    for _ in 0..3 {
        world.reply("w1", "r1");
    }
    assert!(world.received("c1").is_empty());
    assert_eq!(world.statistics().late_replies, 3);
    assert_eq!(world.statistics().workers, 1);
}

#[test]
fn a_worker_counts_as_busy_with_each_ended_request() {
    let mut world = delivered(3);
    world.worker("w2", "echo");
    for id in ["a", "b", "c"] {
        world.request("c1", "echo", id);
    }
    assert_eq!(world.jobs("w2"), ["a", "b", "c"]);
}

#[test]
fn a_reused_id_waits_in_the_queue_like_any_other() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request("c1", "echo", "r1");
    world.send("c1", "C|8||r1");
    world.request("c1", "echo", "r2");
    world.request("c1", "echo", "r1");
    assert_eq!(world.jobs("w1"), ["r1", "r2"]);
    world.reply("w1", "r2");
    assert_eq!(world.jobs("w1"), ["r1"]);
}

#[test]
fn a_version_1_worker_receives_the_cancel_before_the_reused_id() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.limit("w1", 1);
    world.request("c1", "echo", "r1");
    world.send("c1", "C|8||r1");
    world.request("c1", "echo", "r1");
    world.request("c1", "echo", "r2");
    world.received("w1");
    // Sent before the worker read the cancel: it is about to start the second.
    world.reply("w1", "r1");
    let received = world.received("w1");
    assert_eq!(received.len(), 2);
    assert_eq!(received[0], "W|8|c1||r1");
    assert!(received[1].starts_with("W|2|c1|echo||r2|"), "{received:?}");
}

#[test]
fn an_ambiguous_reply_is_not_cached() {
    let mut world = delivered(2);
    world.answer("w1", "3", "r1", r#"0|2|{"cache":60000}"#);
    world.request("c2", "echo", "r2");
    assert_eq!(world.jobs("w1"), ["r2"]);
    assert_eq!(world.statistics().cache_hits, 0);
}

#[test]
fn an_ambiguous_reject_ends_a_request_without_retry() {
    let mut world = delivered(2);
    world.worker("w2", "echo");
    world.reject("w1", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 B_WORKER_LOST"]);
    assert!(world.jobs("w2").is_empty());
    world.reply("w1", "r1");
    assert_eq!(world.statistics().late_replies, 1);
    assert_eq!(world.statistics().workers, 2);
}

#[test]
fn an_ambiguous_reject_moves_a_request_with_retry_to_another_worker() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.request_with("c1", "echo", "r1", r#"{"retry":1}"#);
    world.send("c1", "C|8||r1");
    world.request_with("c1", "echo", "r1", r#"{"retry":1}"#);
    world.received("w1");
    world.worker("w2", "echo");
    world.reject("w1", "r1");
    assert_eq!(world.received("w1"), ["W|8|c1||r1"]);
    assert_eq!(world.jobs("w2"), ["r1"]);
    world.reply("w1", "r1");
    assert!(world.outcomes("c1").is_empty());
    world.reply("w2", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
    assert_eq!(world.statistics().workers, 2);
}
