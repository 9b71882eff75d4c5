//! A request that was never sent to its worker cannot have started: it goes to another worker, with
//! or without `retry`.

use super::world::World;

#[test]
fn a_request_that_does_not_reach_its_worker_goes_to_another() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "echo");
    world.cut_off("w1");

    world.request("c1", "echo", "r1");

    assert_eq!(world.jobs("w2"), ["r1"]);
    world.reply("w2", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
}

#[test]
fn a_request_queued_behind_an_unsent_one_does_not_fail() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.cut_off("w1");

    world.together(|world| ["r1", "r2", "r3"].into_iter().for_each(|id| world.request("c1", "echo", id)));

    assert_eq!(world.statistics().queued, 3);
    world.worker("w2", "echo");
    assert_eq!(world.jobs("w2"), ["r1", "r2", "r3"]);
    assert_eq!(world.statistics().undeliverable, 1);
}

#[test]
fn a_request_sent_before_is_lost_with_its_worker() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.cut_off("w1");

    world.request("c1", "echo", "r2");

    assert_eq!(world.outcomes("c1"), ["r1 B_WORKER_LOST"]);
    assert_eq!(world.statistics().queued, 1);
}

#[test]
fn a_worker_that_leaves_before_the_send_receives_nothing() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "echo");

    world.together(|world| {
        world.request("c1", "echo", "r1");
        world.send("w1", "W|5");
    });

    assert_eq!(world.received("w1"), ["W|5"]);
    assert_eq!(world.jobs("w2"), ["r1"]);
}

#[test]
fn an_unsent_request_does_not_count_as_an_attempt() {
    let mut world = World::new();
    let workers = super::world::numbered("w", pigato_proto::limits::ATTEMPTS as usize + 2);
    workers.iter().for_each(|worker| world.worker(worker, "echo"));
    let (last, others) = workers.split_last().expect("some workers");
    others.iter().for_each(|worker| world.cut_off(worker));

    world.request_with("c1", "echo", "r1", r#"{"retry":1}"#);

    assert_eq!(world.jobs(last), ["r1"]);
}
