//! Requests that expire at the same moment end in bounded batches, so that they delay nobody else.

use pigato_proto::limits::DUE_PER_TURN;

use super::world::{ms, World};

/// More than 3 turns can end.
const MANY: usize = 3 * DUE_PER_TURN + 1;

/// A world with many overdue requests for `echo`, none of which has ended.
fn overdue() -> World {
    let mut world = World::new();
    for number in 0..MANY {
        world.request_with("c1", "echo", &format!("r{number}"), r#"{"timeout":10}"#);
    }
    world.stall(ms(10));
    world
}

#[test]
fn a_turn_ends_a_bounded_number_and_the_next_turn_is_due_at_once() {
    let mut world = overdue();
    for turn in 1..=3 {
        world.turn();
        assert_eq!(world.statistics().expired, (turn * DUE_PER_TURN) as u64);
        assert!(world.next_deadline().is_some_and(|deadline| deadline <= world.elapsed()));
    }
    world.turn();
    assert_eq!((world.statistics().expired, world.statistics().queued), (MANY as u64, 0));
    assert_eq!(world.next_deadline(), None);
}

#[test]
fn a_request_that_arrives_between_two_turns_is_dispatched_at_once() {
    let mut world = overdue();
    world.worker("w2", "other");
    world.turn();
    world.request("c2", "other", "r");
    assert_eq!(world.jobs("w2"), ["r"]);
}

#[test]
fn a_registration_ends_no_further_requests_and_dispatches_one_in_time() {
    let mut world = overdue();
    world.request("c2", "echo", "r");
    world.worker("w1", "echo");
    assert_eq!(world.statistics().expired, DUE_PER_TURN as u64);
    assert!(world.jobs("w1").is_empty());
    while world.statistics().queued > 0 {
        assert!(world.next_deadline().is_some_and(|deadline| deadline <= world.elapsed()), "no deadline is due");
        world.turn();
    }
    assert_eq!(world.jobs("w1"), ["r"]);
    assert_eq!(world.statistics().expired, MANY as u64);
}

#[test]
fn a_free_slot_ends_no_further_requests_and_dispatches_one_in_time() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    world.request("c2", "echo", "first");
    for number in 0..MANY {
        world.request_with("c1", "echo", &format!("r{number}"), r#"{"timeout":10}"#);
    }
    world.request("c2", "echo", "last");
    world.stall(ms(10));
    world.reply("w1", "first");
    assert_eq!(world.statistics().expired, DUE_PER_TURN as u64);
    while world.statistics().queued > 0 {
        world.turn();
    }
    assert_eq!(world.jobs("w1"), ["first", "last"]);
}

#[test]
fn dispatch_continues_when_the_overdue_requests_end_in_another_way() {
    let mut world = overdue();
    world.request("c2", "echo", "r");
    world.worker("w1", "echo");
    world.unroutable("c1");
    assert!(world.next_deadline().is_some_and(|deadline| deadline <= world.elapsed()), "no deadline is due");
    world.turn();
    assert_eq!(world.jobs("w1"), ["r"]);
}
