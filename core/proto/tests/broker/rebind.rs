//! A reconnected client resends its requests with `retry`. A request under way does not run twice;
//! its reply goes to the new identity.

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
fn a_resent_request_runs_once_and_the_reply_goes_to_the_new_identity() {
    let mut world = reconnected();
    assert_eq!(world.jobs("w1"), ["r1"]);
    // The worker replies with the identity that it received.
    world.send("w1", "W|6|old||r1|0|1|{}");
    world.send("w1", "W|3|old||r1|0|2|{}");
    assert_eq!(world.received("new"), ["C|6||r1|0|1|{}", "C|3||r1|0|2|{}"]);
    assert!(world.received("old").is_empty());
}

#[test]
fn the_former_identity_has_no_state() {
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
fn a_request_can_be_resent_many_times() {
    let mut world = reconnected();
    world.resend_with("newer", "echo", "r1", RETRY);
    world.resend_with("newest", "echo", "r1", RETRY);
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("newest"), ["r1 ok"]);
    assert_eq!(world.jobs("w1"), ["r1"]);
}

#[test]
fn resending_restarts_the_timeout() {
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
fn the_worker_receives_a_cancel_under_the_identity_that_it_knows() {
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
fn the_next_worker_receives_the_new_identity() {
    let mut world = reconnected();
    world.send("w1", "W|5");
    world.worker("w2", "echo");
    assert_eq!(world.received("w2"), [r#"W|2|new|echo||r1|1|{"retry":1}"#]);
    world.reply("w2", "r1");
    assert_eq!(world.outcomes("new"), ["r1 ok"]);
}

#[test]
fn without_retry_on_both_it_is_another_request() {
    for (first, second) in [("{}", RETRY), (RETRY, "{}")] {
        let mut world = World::new();
        world.worker("w1", "echo");
        world.request_with("old", "echo", "r1", first);
        world.request_with("new", "echo", "r1", second);
        assert_eq!(world.jobs("w1"), ["r1", "r1"]);
    }
}

#[test]
fn a_client_that_sends_heartbeats_keeps_its_state_without_the_request() {
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
fn each_worker_receives_messages_under_the_identity_that_it_knows() {
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
fn a_worker_that_receives_it_later_knows_only_the_new_identity() {
    let mut world = World::new();
    world.request_with("old", "echo", "r1", RETRY);
    world.resend_with("new", "echo", "r1", RETRY);
    world.worker("w1", "echo");
    world.received("w1");
    world.send("new", "C|4|request|r1");
    assert_eq!(world.received("w1"), ["W|4|new||r1"]);
}

#[test]
fn a_request_for_another_service_is_another_request() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "other");
    world.request_with("old", "echo", "r1", RETRY);
    world.request_with("new", "other", "r1", RETRY);
    assert_eq!([world.jobs("w1"), world.jobs("w2")], [["r1"], ["r1"]]);
}

#[test]
fn a_late_copy_from_the_former_connection_changes_nothing() {
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
