//! A worker announces itself.

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
fn a_worker_of_version_1_is_told_about_the_broker() {
    let mut world = World::new();
    world.send("w1", r#"W|1|echo|{"v":1,"caps":["cancel"],"heartbeat":1000,"concurrency":2}"#);
    let expected = r#"W|1|{"v":1,"caps":["cancel","credit","codec"],"heartbeat":2500,"name":"B-test"}"#;
    assert_eq!(world.received("w1"), [expected]);
}

#[test]
fn an_announcement_that_is_no_json_is_that_of_a_published_worker() {
    let mut world = World::new();
    for (number, hello) in ["", "null", "{", "{}", "undefined", "{\"v\":0}", "[]"].into_iter().enumerate() {
        let worker = format!("w{number}");
        world.send(&worker, &format!("W|1|echo|{hello}"));
        assert_eq!(world.received(&worker), ["W|1"], "{hello}");
    }
}

#[test]
fn the_acknowledgement_comes_before_the_first_request() {
    let mut world = World::new();
    world.request("c1", "echo", "r1");
    world.send("w1", "W|1|echo");
    assert_eq!(world.received("w1"), ["W|1", "W|2|c1|echo||r1|1|{}"]);
}

#[test]
fn a_known_identity_that_announces_itself_anew_starts_over() {
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
    assert_eq!(world.jobs("w1"), ["r2", "r3"], "the former concurrency is forgotten");
}

#[test]
fn more_workers_than_the_broker_takes_are_turned_away() {
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
fn a_worker_that_says_it_goes_gets_an_answer_if_it_is_a_published_one() {
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
fn a_service_name_of_more_than_255_bytes_is_turned_away() {
    let mut world = World::new();
    world.worker("w1", &"x".repeat(255));
    world.send("w2", &format!("W|1|{}", "x".repeat(256)));
    assert_eq!(world.received("w2"), ["W|5"]);
    assert_eq!(world.statistics().workers, 1);
}
