//! A client that reconnected sends again what had `retry`; what is under way is not run twice, and its reply goes to
//! the new identity.

use super::world::{ms, World};

const RETRY: &str = r#"{"retry":1}"#;

fn reconnected() -> World {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request_with("old", "echo", "r1", RETRY);
    world.resend_with("new", "echo", "r1", RETRY);
    world
}

#[test]
fn it_runs_once_and_the_reply_goes_to_the_new_identity() {
    let mut world = reconnected();
    assert_eq!(world.jobs("w1"), ["r1"]);
    // The worker hands back the identity that it was told.
    world.send("w1", "W|6|old||r1|0|1|{}");
    world.send("w1", "W|3|old||r1|0|2|{}");
    assert_eq!(world.received("new"), ["C|6||r1|0|1|{}", "C|3||r1|0|2|{}"]);
    assert!(world.received("old").is_empty());
}

#[test]
fn the_former_identity_is_forgotten() {
    let mut world = reconnected();
    assert_eq!(world.statistics().clients, 1);
    world.unroutable("old");
    world.send("old", "C|8||r1");
    assert_eq!(world.statistics().in_flight, 1);
    world.unroutable("new");
    assert_eq!(world.statistics().in_flight, 0);
}

#[test]
fn a_queued_request_keeps_its_place() {
    let mut world = World::new();
    world.request_with("old", "echo", "r1", RETRY);
    world.request("c2", "echo", "r2");
    world.resend_with("new", "echo", "r1", RETRY);
    world.worker("w1", "echo");
    assert_eq!(world.received("w1"), [r#"W|2|new|echo||r1|1|{"retry":1}"#, "W|2|c2|echo||r2|1|{}",]);
}

#[test]
fn it_may_be_sent_again_many_times() {
    let mut world = reconnected();
    world.resend_with("newer", "echo", "r1", RETRY);
    world.resend_with("newest", "echo", "r1", RETRY);
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("newest"), ["r1 ok"]);
    assert_eq!(world.jobs("w1"), ["r1"]);
}

#[test]
fn its_time_starts_anew() {
    let mut world = World::new();
    world.request_with("old", "echo", "r1", r#"{"retry":1,"timeout":1000}"#);
    world.advance(ms(900));
    world.resend_with("new", "echo", "r1", r#"{"retry":1,"timeout":1000}"#);
    world.advance(ms(999));
    assert_eq!(world.statistics().queued, 1);
    world.advance(ms(1));
    assert_eq!(world.statistics().queued, 0);
}

#[test]
fn the_worker_is_told_of_a_cancellation_under_the_identity_that_it_knows() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.request_with("old", "echo", "r1", RETRY);
    world.resend_with("new", "echo", "r1", RETRY);
    world.received("w1");
    world.send("new", "C|4|request|r1");
    world.send("new", "C|8||r1");
    assert_eq!(world.received("w1"), ["W|4|old||r1", "W|8|old||r1"]);
    world.send("w1", "W|3|old||r1|0|2|{}");
    assert_eq!(world.statistics().late_replies, 1);
}

#[test]
fn the_next_worker_is_told_the_new_identity() {
    let mut world = reconnected();
    world.send("w1", "W|5");
    world.worker("w2", "echo");
    assert_eq!(world.received("w2"), [r#"W|2|new|echo||r1|1|{"retry":1}"#]);
    world.reply("w2", "r1");
    assert_eq!(world.outcomes("new"), ["r1 ok"]);
}

#[test]
fn without_retry_on_both_sides_it_is_another_request() {
    for (first, second) in [("{}", RETRY), (RETRY, "{}")] {
        let mut world = World::new();
        world.worker("w1", "echo");
        world.request_with("old", "echo", "r1", first);
        world.request_with("new", "echo", "r1", second);
        assert_eq!(world.jobs("w1"), ["r1", "r1"]);
    }
}

#[test]
fn a_client_with_heartbeats_stays_known_without_the_request() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.send("old", "C|4");
    world.request_with("old", "echo", "r1", RETRY);
    world.resend_with("new", "echo", "r1", RETRY);
    assert_eq!(world.statistics().clients, 2);
    world.advance_with(ms(8_000), ["w1"]);
    assert_eq!(world.statistics().clients, 1);
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("new"), ["r1 ok"]);
}

#[test]
fn a_request_that_has_ended_runs_again() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request_with("old", "echo", "r1", RETRY);
    world.reply("w1", "r1");
    world.request_with("new", "echo", "r1", RETRY);
    assert_eq!(world.jobs("w1"), ["r1", "r1"]);
}

#[test]
fn each_worker_is_asked_under_the_identity_that_it_was_told() {
    type Move = fn(&mut World);
    let ways: [(&str, Move); 2] =
        [("lost", |world| world.send("w1", "W|5")), ("rejected", |world| world.reject("w1", "r1"))];
    for (way, move_on) in ways {
        let mut world = reconnected();
        world.resend_with("newer", "echo", "r1", RETRY);
        world.received("w1");
        world.send("newer", "C|4|request|r1");
        assert_eq!(world.received("w1"), ["W|4|old||r1"], "{way}");
        move_on(&mut world);
        world.worker("w2", "echo");
        world.received("w2");
        world.send("newer", "C|4|request|r1");
        assert_eq!(world.received("w2"), ["W|4|newer||r1"], "{way}");
    }
}

#[test]
fn a_worker_that_gets_it_afterwards_knows_the_new_identity_only() {
    let mut world = World::new();
    world.request_with("old", "echo", "r1", RETRY);
    world.resend_with("new", "echo", "r1", RETRY);
    world.worker("w1", "echo");
    world.received("w1");
    world.send("new", "C|4|request|r1");
    assert_eq!(world.received("w1"), ["W|4|new||r1"]);
}

#[test]
fn for_another_service_it_is_another_request() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "other");
    world.request_with("old", "echo", "r1", RETRY);
    world.request_with("new", "other", "r1", RETRY);
    assert_eq!([world.jobs("w1"), world.jobs("w2")], [["r1"], ["r1"]]);
}

#[test]
fn a_copy_that_the_former_connection_brings_late_changes_nothing() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.hello("old", r#","session":1"#);
    world.hello("new", r#","session":2"#);
    world.received("new");
    world.request_with("new", "echo", "r1", RETRY);
    world.resend_with("old", "echo", "r1", RETRY);
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("new"), ["r1 ok"]);
    assert_eq!(world.jobs("w1"), ["r1"]);
}
