//! Credit: the number of partial replies that may be sent.

use super::world::World;

const CREDIT: &str = "W|9|c1||r1|";

#[test]
fn the_requests_credit_limits_its_partial_replies() {
    let mut world = World::alive();
    world.request_with_credit("r1", 2);
    for data in ["1", "2", "3"] {
        assert!(world.partial(1, data));
    }
    assert_eq!(world.did(), ["W|6|c1||r1|0|1|{}", "W|6|c1||r1|0|2|{}"]);
}

#[test]
fn later_credit_releases_waiting_replies_in_order() {
    let mut world = World::alive();
    world.request_with_credit("r1", 0);
    for data in ["1", "2", "3"] {
        assert!(world.partial(1, data));
    }
    assert!(world.did().is_empty());
    world.receive(&format!("{CREDIT}2"));
    assert_eq!(world.did(), ["1 credit 2", "W|6|c1||r1|0|1|{}", "W|6|c1||r1|0|2|{}"]);
    world.receive(&format!("{CREDIT}2"));
    assert_eq!(world.did(), ["1 credit 2", "W|6|c1||r1|0|3|{}"]);
    assert!(world.partial(1, "4"));
    assert!(world.partial(1, "5"));
    assert_eq!(world.did(), ["W|6|c1||r1|0|4|{}"]);
}

#[test]
fn the_final_reply_needs_no_credit_but_does_not_overtake() {
    let mut world = World::alive();
    world.request_with_credit("r1", 1);
    world.partial(1, "1");
    world.partial(1, "2");
    assert!(world.reply(1, "3"));
    assert_eq!(world.did(), ["W|6|c1||r1|0|1|{}"]);
    world.receive(&format!("{CREDIT}1"));
    assert_eq!(world.did(), ["1 credit 1", "W|6|c1||r1|0|2|{}", "W|3|c1||r1|0|3|{}"]);
    assert_eq!(world.owner.machine.in_flight(), 0);
}

#[test]
fn without_partial_replies_the_final_reply_needs_no_credit() {
    let mut world = World::alive();
    world.request_with_credit("r1", 0);
    assert!(world.reply(1, "1"));
    assert_eq!(world.did(), ["W|3|c1||r1|0|1|{}"]);
}

#[test]
fn no_reply_is_accepted_behind_a_waiting_final_reply() {
    let mut world = World::alive();
    world.request_with_credit("r1", 0);
    world.partial(1, "1");
    world.reply(1, "2");
    assert!(!world.partial(1, "3"));
    assert!(!world.reply(1, "4"));
    world.receive(&format!("{CREDIT}9"));
    assert_eq!(world.did(), ["1 credit 9", "W|6|c1||r1|0|1|{}", "W|3|c1||r1|0|2|{}"]);
}

#[test]
fn a_request_without_credit_is_unlimited_until_the_first_grant() {
    let mut world = World::alive();
    world.receive(r#"W|2|c1|echo||r1|1|{}|{"remaining":60000,"attempt":1}"#);
    for _ in 0..5_000 {
        world.partial(1, "1");
    }
    assert_eq!(world.did().len(), 1 + 5_000);
    world.receive(&format!("{CREDIT}2"));
    for _ in 0..5 {
        world.partial(1, "1");
    }
    assert_eq!(world.did().len(), 1 + 2);
}

#[test]
fn each_request_has_its_own_credit() {
    let mut world = World::alive();
    world.request_with_credit("r1", 0);
    world.request_with_credit("r2", 1);
    world.partial(1, "1");
    world.partial(2, "2");
    assert_eq!(world.did(), ["W|6|c1||r2|0|2|{}"]);
}

#[test]
fn credit_for_an_unknown_request_is_ignored() {
    let mut world = World::alive();
    world.request_with_credit("r1", 0);
    world.receive("W|9|c1||r2|5");
    world.receive("W|9|c2||r1|5");
    assert!(world.did().is_empty());
}

#[test]
fn credit_beyond_the_counters_range_saturates() {
    let mut world = World::alive();
    world.request_with_credit("r1", u32::MAX);
    world.receive(&format!("{CREDIT}{}", u32::MAX));
    world.receive(&format!("{CREDIT}{}", u32::MAX));
    world.did();
    assert!(world.partial(1, "1"));
    assert_eq!(world.did().len(), 1);
}
