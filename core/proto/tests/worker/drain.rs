//! Draining: live requests are answered first.

use super::support::ms;
use super::world::{World, HEARTBEAT};

const END: [&str; 4] = ["W|5", "disconnect", "disconnected", "stopped"];

#[test]
fn a_worker_without_requests_stops_at_once() {
    let mut world = World::alive();
    world.drain(ms(1_000));
    assert_eq!(world.did(), END);
}

#[test]
fn a_drain_ends_with_the_last_answer() {
    let mut world = World::alive();
    world.request("r1");
    world.request("r2");
    world.drain(ms(1_000));
    assert!(world.did().is_empty());
    world.partial(1, "1");
    world.reply(1, "2");
    assert_eq!(world.did(), ["W|6|c1||r1|0|1|{}", "W|3|c1||r1|0|2|{}"]);
    world.reply(2, "3");
    assert_eq!(world.did(), [["W|3|c1||r2|0|3|{}"].as_slice(), &END].concat());
    assert_eq!(world.owner.next_deadline(), None);
}

#[test]
fn a_reject_or_a_cancel_ends_a_drain() {
    let mut world = World::alive();
    world.request("r1");
    world.request("r2");
    world.drain(ms(1_000));
    world.receive("W|8|c1||r1");
    assert_eq!(world.did(), ["1 cancelled: client"]);
    world.reject(2, "null");
    assert_eq!(world.did(), [["W|7|c1||r2|0|null|{}"].as_slice(), &END].concat());
}

#[test]
fn a_drain_waits_for_a_reply_that_waits_for_credit() {
    let mut world = World::alive();
    world.request_with_credit("r1", 0);
    world.partial(1, "1");
    world.reply(1, "2");
    world.drain(ms(1_000));
    assert!(world.did().is_empty());
    world.receive("W|9|c1||r1|1");
    let replies = ["1 credit 1", "W|6|c1||r1|0|1|{}", "W|3|c1||r1|0|2|{}"];
    assert_eq!(world.did(), [replies.as_slice(), &END].concat());
}

#[test]
fn new_requests_are_rejected_for_other_workers() {
    let mut world = World::alive();
    world.request("r1");
    world.drain(ms(1_000));
    world.receive("W|2|c2|echo||r2|1|{}");
    assert_eq!(world.did(), [r#"W|7|c2||r2|0|"stopping"|{}"#]);
    assert_eq!(world.owner.machine.in_flight(), 1);
}

#[test]
fn a_live_request_delivered_again_is_cancelled_and_rejected() {
    let mut world = World::alive();
    world.request("r1");
    world.request("r2");
    world.drain(ms(1_000));
    world.receive("W|2|c1|echo||r1|1|{}");
    assert_eq!(world.did(), ["1 cancelled: client", r#"W|7|c1||r1|0|"stopping"|{}"#]);
    assert!(!world.reply(1, "late"));
    world.receive("W|2|c1|echo||r2|1|{}");
    assert_eq!(world.did(), [["2 cancelled: client", r#"W|7|c1||r2|0|"stopping"|{}"#].as_slice(), &END].concat());
}

#[test]
fn a_drain_ends_at_its_deadline() {
    let mut world = World::alive();
    world.request("r1");
    world.drain(ms(1_000));
    world.advance(ms(999));
    assert!(world.did().is_empty());
    world.advance(ms(1));
    assert_eq!(world.did(), ["W|5", "disconnect", "1 cancelled: stopped", "disconnected", "stopped"]);
    assert_eq!(world.owner.next_deadline(), None);
}

#[test]
fn a_second_drain_moves_the_deadline_in_either_direction() {
    let mut world = World::alive();
    world.request("r1");
    world.drain(ms(1_000));
    world.drain(ms(2_000));
    world.advance(ms(1_999));
    assert!(world.did().is_empty());
    world.drain(ms(0));
    world.advance(ms(0));
    assert!(world.did().contains(&"stopped".to_owned()));
}

#[test]
fn heartbeats_continue_during_a_drain() {
    let mut world = World::alive();
    world.request("r1");
    world.drain(ms(10_000));
    world.advance(ms(5_000));
    assert_eq!(world.did(), [HEARTBEAT; 2]);
}

#[test]
fn a_drain_ends_with_the_connection() {
    let mut world = World::alive();
    world.request("r1");
    world.drain(ms(10_000));
    world.lost();
    assert_eq!(world.did(), ["disconnect", "1 cancelled: disconnected", "disconnected", "stopped"]);
}

#[test]
fn a_drained_worker_can_be_started_again() {
    let mut world = World::alive();
    world.drain(ms(1_000));
    world.start();
    world.connected();
    world.did();
    world.receive("W|2|c1|echo||r1|1|{}");
    assert_eq!(world.did(), ["connected", "1 request c1 echo r1 1 {}"]);
    world.broker_answers("W|4");
    world.advance(ms(5_000));
    assert_eq!(world.did(), [HEARTBEAT; 2]);
}

#[test]
fn draining_a_worker_that_is_not_started_has_no_effect() {
    let mut world = World::new(pigato_proto::config::WorkerOptions::default());
    world.drain(ms(0));
    world.advance(ms(1));
    assert!(world.did().is_empty());
}
