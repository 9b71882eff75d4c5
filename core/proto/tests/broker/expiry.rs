//! A request's `timeout` runs from its receipt, to the millisecond.

use super::world::{ms, World};

#[test]
fn a_queued_request_leaves_the_queue_exactly_at_its_timeout() {
    let mut world = World::new();
    world.request_with("c1", "echo", "r1", r#"{"timeout":10}"#);
    world.advance(ms(9));
    assert_eq!(world.statistics().queued, 1);
    world.advance(ms(1));
    assert_eq!(world.statistics().queued, 0);
    assert_eq!(world.statistics().expired, 1);
    world.worker("w1", "echo");
    assert!(world.jobs("w1").is_empty());
}

#[test]
fn the_client_receives_no_message_about_the_expiry() {
    let mut world = World::new();
    world.request_with("c1", "echo", "r1", r#"{"timeout":10}"#);
    world.advance(ms(10));
    assert!(world.received("c1").is_empty());
    assert_eq!(world.statistics().clients, 0);
}

#[test]
fn the_timeout_runs_from_receipt_not_from_dispatch() {
    let mut world = World::new();
    world.request_with("c1", "echo", "r1", r#"{"timeout":1000}"#);
    world.advance(ms(900));
    world.worker("w1", "echo");
    world.advance(ms(99));
    assert_eq!(world.statistics().in_flight, 1);
    world.advance(ms(1));
    assert_eq!(world.statistics().in_flight, 0);
}

#[test]
fn an_expired_job_frees_its_slot_for_the_next_request_at_once() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request_with("c1", "echo", "r1", r#"{"timeout":10}"#);
    world.request("c1", "echo", "r2");
    world.advance(ms(9));
    assert_eq!(world.jobs("w1"), ["r1"]);
    world.advance(ms(1));
    assert_eq!(world.jobs("w1"), ["r2"]);
}

#[test]
fn each_partial_reply_restarts_the_timeout() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request_with("c1", "echo", "r1", r#"{"timeout":1000}"#);
    for _ in 0..5 {
        world.advance(ms(999));
        world.partial("w1", "r1");
    }
    world.advance(ms(999));
    assert_eq!(world.statistics().in_flight, 1);
    world.advance(ms(1));
    assert_eq!(world.statistics().in_flight, 0);
    assert_eq!(world.outcomes("c1"), ["r1 partial"; 5]);
}

#[test]
fn the_default_timeout_is_60_seconds() {
    for options in ["{}", "", "undefined", "null", "{\"timeout\":null}", "{\"timeout\":\"soon\"}", "{\"timeout\":"] {
        let mut world = World::new();
        world.request_with("c1", "echo", "r1", options);
        world.advance(ms(59_999));
        assert_eq!(world.statistics().queued, 1, "{options}");
        world.advance(ms(1));
        assert_eq!(world.statistics().queued, 0, "{options}");
    }
}

#[test]
fn minus_one_means_no_timeout() {
    let mut world = World::new();
    world.request_with("c1", "echo", "r1", r#"{"timeout":-1}"#);
    assert_eq!(world.next_deadline(), None);
    world.advance(ms(100 * 24 * 3_600_000));
    world.worker("w1", "echo");
    assert_eq!(world.jobs("w1"), ["r1"]);
}

#[test]
fn requests_expire_in_the_order_of_their_deadlines() {
    let mut world = World::new();
    for (id, timeout) in [("r1", 300), ("r2", 100), ("r3", 200)] {
        world.request_with("c1", "echo", id, &format!(r#"{{"timeout":{timeout}}}"#));
    }
    for left in [2, 1, 0] {
        world.advance(ms(100));
        assert_eq!(world.statistics().queued, left);
    }
}

#[test]
fn a_request_is_not_dispatched_at_its_deadline() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    for id in ["r1", "r2"] {
        world.request_with("c1", "echo", id, r#"{"timeout":10}"#);
    }
    world.request("c1", "echo", "r3");
    world.advance(ms(10));
    assert_eq!(world.jobs("w1"), ["r1", "r3"]);
    assert_eq!(world.statistics().expired, 2);
}

#[test]
fn an_overdue_request_is_not_dispatched_before_the_timeout_is_handled() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request("c1", "echo", "r1");
    world.request_with("c1", "echo", "r2", r#"{"timeout":10}"#);
    world.stall(ms(11));
    world.reply("w1", "r1");
    assert_eq!(world.jobs("w1"), ["r1"]);
}

#[test]
fn an_overdue_request_is_not_dispatched_to_a_new_worker() {
    let mut world = World::new();
    world.request_with("c1", "echo", "r1", r#"{"timeout":10}"#);
    world.request_with("c1", "echo", "r2", r#"{"timeout":10,"workerId":"w1"}"#);
    world.stall(ms(10));
    world.worker("w1", "echo");
    assert!(world.jobs("w1").is_empty());
}

#[test]
fn a_huge_timeout_is_clamped() {
    let mut world = World::new();
    for (number, timeout) in ["1e300", "9223372036854775807", "18446744073709551616"].into_iter().enumerate() {
        world.request_with("c1", "echo", &format!("r{number}"), &format!(r#"{{"timeout":{timeout}}}"#));
    }
    world.advance(ms(365 * 24 * 3_600_000));
    assert_eq!(world.statistics().queued, 3);
}
