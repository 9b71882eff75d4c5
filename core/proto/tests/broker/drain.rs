//! Draining: the broker finishes accepted requests and refuses new ones.

use pigato_proto::broker::{Event, Loss, Output};

use super::world::{ms, World};

fn drained(world: &mut World) -> bool {
    world.events().contains(&Event::Drained)
}

#[test]
fn an_idle_broker_is_drained_at_once() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.events();
    world.drain(ms(1_000));
    assert_eq!(world.received("w1"), ["W|5"]);
    let events = world.events();
    assert!(matches!(&events[..], [Event::WorkerLeft { reason: Loss::BrokerStopped, .. }, Event::Drained]));
}

#[test]
fn requests_in_flight_and_queued_requests_are_finished() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request("c1", "echo", "r1");
    world.request("c1", "echo", "r2");
    world.drain(ms(1_000));
    world.partial("w1", "r1");
    world.reply("w1", "r1");
    assert!(!drained(&mut world));
    world.reply("w1", "r2");
    assert_eq!(world.outcomes("c1"), ["r1 partial", "r1 ok", "r2 ok"]);
    assert!(drained(&mut world));
    assert_eq!(world.received("w1").last().map(String::as_str), Some("W|5"));
}

#[test]
fn new_requests_are_refused() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.drain(ms(1_000));
    world.request("c2", "echo", "r2");
    assert_eq!(world.outcomes("c2"), ["r2 B_DRAINING"]);
    world.reply("w1", "r1");
    world.request("c2", "echo", "r3");
    assert_eq!(world.outcomes("c2"), ["r3 B_DRAINING"]);
}

#[test]
fn new_workers_are_refused() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.drain(ms(1_000));
    world.send("w2", "W|1|echo");
    assert_eq!(world.received("w2"), ["W|5"]);
}

#[test]
fn remaining_requests_end_at_the_deadline() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request("c1", "echo", "r1");
    world.request("c1", "echo", "r2");
    world.drain(ms(1_000));
    world.advance(ms(999));
    assert!(world.outcomes("c1").is_empty());
    world.advance(ms(1));
    let mut outcomes = world.outcomes("c1");
    outcomes.sort();
    assert_eq!(outcomes, ["r1 B_DRAINING", "r2 B_DRAINING"]);
    assert!(drained(&mut world));
}

#[test]
fn requests_that_end_at_the_deadline_are_not_dispatched_first() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    for number in 0..20 {
        world.request("c1", "echo", &format!("r{number}"));
    }
    world.drain(ms(1_000));
    world.advance(ms(1_000));
    assert_eq!(world.jobs("w1"), ["r0"]);
}

#[test]
fn requests_without_a_worker_end_at_once() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request("c1", "echo", "busy");
    world.request("c1", "nobody", "r1");
    world.request_with("c1", "echo", "r2", r#"{"workerId":"nobody"}"#);
    world.drain(ms(1_000));
    let mut outcomes = world.outcomes("c1");
    outcomes.sort();
    assert_eq!(outcomes, ["r1 B_DRAINING", "r2 B_DRAINING"]);
}

#[test]
fn requests_that_every_worker_rejected_end_at_once() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "before");
    world.request("c1", "echo", "after");
    world.request_with("c1", "echo", "targeted", r#"{"workerId":"w1"}"#);
    world.reject("w1", "before");
    world.drain(ms(1_000));
    assert_eq!(world.outcomes("c1"), ["before B_DRAINING"]);
    world.reject("w1", "after");
    world.reject("w1", "targeted");
    assert_eq!(world.outcomes("c1"), ["after B_DRAINING", "targeted B_DRAINING"]);
    assert!(drained(&mut world));
}

#[test]
fn requests_that_lose_their_last_worker_end_at_once() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 2);
    world.request("c1", "echo", "r1");
    world.request_with("c1", "echo", "r2", r#"{"retry":1}"#);
    world.request("c1", "echo", "r3");
    world.request_with("c1", "echo", "r4", r#"{"workerId":"w1"}"#);
    world.drain(ms(1_000));
    world.send("w1", "W|5");
    let mut outcomes = world.outcomes("c1");
    outcomes.sort();
    assert_eq!(outcomes, ["r1 B_WORKER_LOST", "r2 B_DRAINING", "r3 B_DRAINING", "r4 B_DRAINING"]);
    assert!(drained(&mut world));
}

#[test]
fn a_worker_that_restarts_loses_its_jobs() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "echo");
    world.request("c1", "echo", "r1");
    world.request_with("c1", "echo", "r2", r#"{"retry":1}"#);
    world.drain(ms(1_000));
    world.send("w1", "W|1|echo");
    assert_eq!(world.outcomes("c1"), ["r1 B_WORKER_LOST"]);
    world.send("w2", "W|1|echo");
    assert_eq!(world.outcomes("c1"), ["r2 B_DRAINING"]);
    assert!(drained(&mut world));
    assert_eq!(world.received("w1").iter().filter(|message| *message == "W|5").count(), 1);
}

#[test]
fn a_resent_request_is_still_bound_to_the_new_identity() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request_with("old", "echo", "r1", r#"{"retry":1}"#);
    world.drain(ms(1_000));
    world.resend_with("new", "echo", "r1", r#"{"retry":1}"#);
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("new"), ["r1 ok"]);
}

#[test]
fn cancelled_and_expired_requests_end_the_drain() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.request_with("c1", "echo", "r2", r#"{"timeout":500}"#);
    world.drain(ms(1_000));
    world.send("c1", "C|8||r1");
    world.advance(ms(499));
    assert!(!drained(&mut world));
    world.advance(ms(1));
    assert!(drained(&mut world));
}

#[test]
fn a_second_drain_moves_the_deadline() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.drain(ms(1_000));
    world.drain(ms(5_000));
    world.advance(ms(4_999));
    assert!(world.outcomes("c1").is_empty());
    world.drain(ms(0));
    world.advance(ms(0));
    assert_eq!(world.outcomes("c1"), ["r1 B_DRAINING"]);
}

#[test]
fn workers_receive_one_disconnect_and_the_drain_ends_with_one_event() {
    let mut world = World::new();
    for worker in ["w1", "w2", "w3"] {
        world.worker(worker, "echo");
    }
    world.drain(ms(1_000));
    world.drain(ms(1_000));
    for worker in ["w1", "w2", "w3"] {
        world.send(worker, "W|4||{}");
        world.send(worker, "W|5");
        assert_eq!(world.received(worker), ["W|5"]);
    }
    world.advance(ms(10_000));
    assert_eq!(world.events().iter().filter(|event| **event == Event::Drained).count(), 1);
}

#[test]
fn no_output_follows_the_end() {
    type Finish = fn(&mut World);
    let ways: [Finish; 5] = [
        |world| world.reply("w1", "r1"),
        |world| world.send("w1", "W|5"),
        |world| world.send("w1", "W|1|echo"),
        |world| world.unroutable("c1"),
        |world| world.advance(ms(1_000)),
    ];
    for finish in ways {
        let mut world = World::new();
        world.worker("w1", "echo");
        world.worker("w2", "echo");
        world.request("c1", "echo", "r1");
        world.drain(ms(1_000));
        finish(&mut world);
        assert_eq!(world.outputs().last(), Some(&Output::Event(Event::Drained)));
        assert_eq!(world.publications().last().map(String::as_str), Some("$dir {}"));
        assert_eq!(world.next_deadline(), None);
    }
}
