//! The worker rejects a request, which another worker is to answer.

use super::world::World;

#[test]
fn a_reject_is_sent_and_ends_the_job() {
    let mut world = World::published();
    world.request("r1");
    assert!(world.reject(1, r#""busy""#));
    assert_eq!(world.did(), [r#"W|7|c1||r1|0|"busy"|{}"#]);
    assert_eq!(world.owner.machine.in_flight(), 0);
    assert!(!world.reply(1, "1"));
    assert!(!world.reject(1, "null"));
    assert!(world.did().is_empty());
}

#[test]
fn partial_replies_that_wait_for_credit_are_dropped() {
    let mut world = World::alive();
    world.request_with_credit("r1", 0);
    assert!(world.partial(1, "1"));
    assert!(world.reject(1, "null"));
    assert_eq!(world.did(), ["W|7|c1||r1|0|null|{}"]);
    world.receive("W|9|c1||r1|5");
    assert!(world.did().is_empty());
}

#[test]
fn an_answered_request_cannot_be_rejected_even_if_the_answer_waits() {
    let mut world = World::alive();
    world.request_with_credit("r1", 0);
    assert!(world.partial(1, "1"));
    assert!(world.reply(1, "2"));
    assert!(!world.reject(1, "null"));
    world.receive("W|9|c1||r1|5");
    assert_eq!(world.did(), ["1 credit 5", "W|6|c1||r1|0|1|{}", "W|3|c1||r1|0|2|{}"]);
}
