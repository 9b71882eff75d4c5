//! A worker announces itself with READY.

use pigato_proto::broker::{Event, Loss};
use pigato_proto::config::BrokerOptions;

use super::world::World;

#[test]
fn a_published_worker_is_acknowledged() {
    let mut world = World::new();
    world.send("w1", "W|1|echo");
    assert_eq!(world.received("w1"), ["W|1"]);
    assert!(matches!(&world.events()[..], [Event::WorkerJoined { .. }]));
}

#[test]
fn a_version_1_worker_receives_the_brokers_hello() {
    let mut world = World::new();
    world.send("w1", r#"W|1|echo|{"v":1,"caps":["cancel"],"heartbeat":1000,"concurrency":2}"#);
    let expected = r#"W|1|{"v":1,"caps":["cancel","credit","codec"],"heartbeat":2500,"name":"B-test"}"#;
    assert_eq!(world.received("w1"), [expected]);
}

#[test]
fn an_announcement_that_is_not_json_counts_as_a_published_workers() {
    let mut world = World::new();
    for (number, hello) in ["", "null", "{", "{}", "undefined", "{\"v\":0}", "[]"].into_iter().enumerate() {
        let worker = format!("w{number}");
        world.send(&worker, &format!("W|1|echo|{hello}"));
        assert_eq!(world.received(&worker), ["W|1"], "{hello}");
    }
}

#[test]
fn the_acknowledgement_precedes_the_first_request() {
    let mut world = World::new();
    world.request("c1", "echo", "r1");
    world.send("w1", "W|1|echo");
    assert_eq!(world.received("w1"), ["W|1", "W|2|c1|echo||r1|1|{}"]);
}

#[test]
fn a_second_announcement_starts_a_new_session() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.limit("w1", 1);
    world.request("c1", "echo", "r1");
    world.received("w1");
    world.send("w1", "W|1|other");
    assert_eq!(world.received("w1"), ["W|1"]);
    assert_eq!(world.outcomes("c1"), ["r1 B_WORKER_LOST"]);
    assert_eq!(world.losses(), [Loss::Restarted]);
    assert_eq!(world.directory(), r#"{"other":["w1"]}"#);

    world.request("c1", "other", "r2");
    world.request("c1", "other", "r3");
    assert_eq!(world.jobs("w1"), ["r2", "r3"], "the previous session's concurrency does not apply");
}

#[test]
fn workers_beyond_the_limit_are_refused() {
    let mut world = World::with(BrokerOptions::default().max_workers(2_usize));
    world.worker("w1", "echo");
    world.worker("w2", "echo");
    world.send("w3", "W|1|echo");
    assert_eq!(world.received("w3"), ["W|5"]);
    assert_eq!(world.statistics().workers, 2);

    world.worker("w2", "other");
    world.send("w1", "W|5");
    world.worker("w3", "echo");
    assert_eq!(world.statistics().workers, 2);
}

#[test]
fn only_a_published_workers_disconnect_is_answered() {
    let mut world = World::new();
    world.worker("published", "echo");
    world.modern_worker("modern", "echo");
    for _ in 0..2 {
        world.send("published", "W|5");
        world.send("modern", "W|5");
    }
    assert_eq!(world.received("published"), ["W|5"]);
    assert!(world.received("modern").is_empty());
    assert_eq!((world.statistics().workers, world.statistics().protocol_errors), (0, 0));
}

#[test]
fn a_worker_with_a_service_name_longer_than_255_bytes_is_refused() {
    let mut world = World::new();
    world.worker("w1", &"x".repeat(255));
    world.send("w2", &format!("W|1|{}", "x".repeat(256)));
    assert_eq!(world.received("w2"), ["W|5"]);
    assert_eq!(world.statistics().workers, 1);
}
