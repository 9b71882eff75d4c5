//! A request is identified by its client and its id: two clients may use the same id.

use super::world::{ms, World};

#[test]
fn two_clients_use_one_id_at_different_workers() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "echo");
    world.request("c1", "echo", "same");
    world.request("c2", "echo", "same");
    world.send("w2", "W|3|c2||same|0|\"for c2\"|{}");
    world.send("w1", "W|3|c1||same|0|\"for c1\"|{}");
    assert_eq!(world.received("c1"), ["C|3||same|0|\"for c1\"|{}"]);
    assert_eq!(world.received("c2"), ["C|3||same|0|\"for c2\"|{}"]);
}

#[test]
fn two_clients_use_one_id_at_the_same_worker() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "same");
    world.request("c2", "echo", "same");
    world.send("w1", "W|6|c2||same|0|\"part for c2\"|{}");
    world.send("w1", "W|3|c2||same|0|\"for c2\"|{}");
    world.send("w1", "W|3|c1||same|0|\"for c1\"|{}");
    assert_eq!(world.received("c1"), ["C|3||same|0|\"for c1\"|{}"]);
    assert_eq!(world.received("c2"), ["C|6||same|0|\"part for c2\"|{}", "C|3||same|0|\"for c2\"|{}"]);
}

#[test]
fn a_late_reply_to_one_does_not_reach_the_other() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request_with("c1", "echo", "same", r#"{"timeout":10}"#);
    world.request("c2", "echo", "same");
    world.advance(ms(10));
    world.send("w1", "W|6|c1||same|0|\"for c1\"|{}");
    world.send("w1", "W|3|c1||same|0|\"for c1\"|{}");
    assert!(world.received("c2").is_empty());
    assert_eq!(world.statistics().late_replies, 2);
    world.send("w1", "W|3|c2||same|0|\"for c2\"|{}");
    assert_eq!(world.received("c2"), ["C|3||same|0|\"for c2\"|{}"]);
}

#[test]
fn with_retry_and_different_data_these_are_two_requests() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.send("c1", "C|2|echo|same|1|{\"retry\":1}");
    world.send("c2", "C|2|echo|same|2|{\"retry\":1}");
    assert_eq!(world.jobs("w1"), ["same", "same"]);
}

#[test]
fn each_client_cancels_its_own_request() {
    let mut world = World::new();
    world.request("c1", "echo", "same");
    world.request("c2", "echo", "same");
    world.send("c2", "C|8||same");
    assert_eq!(world.statistics().queued, 1);
    world.worker("w1", "echo");
    assert_eq!(world.received("w1"), ["W|2|c1|echo||same|1|{}"]);
}

#[test]
fn each_rejected_request_moves_on_independently() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "same");
    world.request("c2", "echo", "same");
    world.received("w1");
    world.send("w1", "W|7|c2||same|0|\"no\"|{}");
    world.worker("w2", "echo");
    assert_eq!(world.received("w2"), ["W|2|c2|echo||same|1|{}"]);
}

#[test]
fn a_reply_with_a_wrong_client_is_still_accepted_if_unambiguous() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request([0, 0xff, 1, 2, 3], "echo", "r1");
    world.send("w1", "W|6|garbled||r1|0|1|{}");
    world.send("w1", "W|3|||r1|0|2|{}");
    assert_eq!(world.received([0, 0xff, 1, 2, 3]), ["C|6||r1|0|1|{}", "C|3||r1|0|2|{}"]);
}

#[test]
fn ambiguous_replies_with_wrong_clients_are_not_accepted() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "same");
    world.request("c2", "echo", "same");
    world.received("w1");
    world.send("w1", "W|3|garbled||same|0|2|{}");
    assert_eq!(world.received("w1"), ["W|5"]);
    assert_eq!(world.outcomes("c1"), ["same B_WORKER_LOST"]);
    assert_eq!(world.outcomes("c2"), ["same B_WORKER_LOST"]);
}
