//! A live request that is delivered again: the broker wants it run again.

use super::world::World;

#[test]
fn the_new_job_replaces_the_former() {
    let mut world = World::alive();
    world.request("r1");
    world.receive("W|2|c1|echo||r1|2|{}");
    assert_eq!(world.did(), ["1 cancelled: client", "2 request c1 echo r1 2 {}"]);
    assert_eq!(world.owner.machine.in_flight(), 1);
    assert!(!world.reply(1, "late"));
    assert!(world.reply(2, "1"));
    assert_eq!(world.did(), ["W|3|c1||r1|0|1|{}"]);
}

#[test]
fn replies_that_wait_for_credit_are_dropped() {
    let mut world = World::alive();
    world.request_with_credit("r1", 0);
    world.partial(1, "old");
    world.request_with_credit("r1", 1);
    world.partial(2, "new");
    assert_eq!(world.did(), ["W|6|c1||r1|0|new|{}"]);
}
