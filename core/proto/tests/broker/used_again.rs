//! A client uses an id again while a worker may still answer the earlier request under it, which the broker ended.
//! Nobody can tell that worker's replies apart; it is not to suffer for that, and no request is to wait for ever.

use pigato_proto::config::{BrokerOptions, DispatchMode};

use super::world::{ms, World};

/// A world in which `r1` of `c1` was handed to the published worker `w1` this often, and ended by the broker each time
/// but the last.
fn handed(times: usize) -> World {
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
fn it_goes_to_another_worker_even_if_that_has_more_to_do() {
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
fn it_goes_to_another_worker_where_workers_are_taken_at_random() {
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
fn it_goes_to_a_worker_of_another_version() {
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
fn one_whose_worker_was_lost_goes_to_another_worker() {
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
fn one_that_is_for_this_worker_only_is_not_kept_waiting() {
    let mut world = handed(2);
    world.send("c1", "C|8||r1");
    world.worker("w2", "echo");
    world.request_with("c1", "echo", "r1", r#"{"workerId":"w1"}"#);
    assert_eq!(world.jobs("w1"), ["r1"]);
}

#[test]
fn without_another_the_client_gets_one_reply_and_the_worker_stays() {
    let mut world = handed(2);
    world.reply("w1", "r1");
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
    assert!(world.received("w1").is_empty());
    assert_eq!(world.statistics().late_replies, 1);
    assert_eq!(world.statistics().protocol_errors, 0);
}

#[test]
fn each_ended_request_explains_one_final_reply() {
    let mut world = handed(5);
    for _ in 0..5 {
        world.reply("w1", "r1");
    }
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
    assert_eq!(world.statistics().late_replies, 4);
    assert_eq!(world.statistics().workers, 1);
    world.send("w1", "W|3|c1||r1|0|2|{}");
    assert_eq!(world.received("w1"), ["W|5"], "one more than it was handed");
}

#[test]
fn expired_ones_explain_replies_as_well() {
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
fn a_worker_counts_as_busy_with_each_of_them() {
    let mut world = handed(3);
    world.worker("w2", "echo");
    for id in ["a", "b", "c"] {
        world.request("c1", "echo", id);
    }
    assert_eq!(world.jobs("w2"), ["a", "b", "c"]);
}

#[test]
fn it_waits_for_its_turn_like_any_other() {
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
fn a_worker_that_can_be_told_drops_what_may_be_left_before_it_gets_more() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.limit("w1", 1);
    world.request("c1", "echo", "r1");
    world.send("c1", "C|8||r1");
    world.request("c1", "echo", "r1");
    world.request("c1", "echo", "r2");
    world.received("w1");
    // Sent before the cancellation was read: the worker is about to begin with the second.
    world.reply("w1", "r1");
    let received = world.received("w1");
    assert_eq!(received.len(), 2);
    assert_eq!(received[0], "W|8|c1||r1");
    assert!(received[1].starts_with("W|2|c1|echo||r2|"), "{received:?}");
}

#[test]
fn a_reply_that_may_be_the_earlier_ones_is_not_kept_for_others() {
    let mut world = handed(2);
    world.answer("w1", "3", "r1", r#"0|2|{"cache":60000}"#);
    world.request("c2", "echo", "r2");
    assert_eq!(world.jobs("w1"), ["r2"]);
    assert_eq!(world.statistics().cache_hits, 0);
}

#[test]
fn a_reject_that_may_mean_the_earlier_one_ends_what_must_not_run_twice() {
    let mut world = handed(2);
    world.worker("w2", "echo");
    world.reject("w1", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 B_WORKER_LOST"]);
    assert!(world.jobs("w2").is_empty());
    world.reply("w1", "r1");
    assert_eq!(world.statistics().late_replies, 1);
    assert_eq!(world.statistics().workers, 2);
}

#[test]
fn a_reject_moves_what_may_run_twice_to_another_worker() {
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
