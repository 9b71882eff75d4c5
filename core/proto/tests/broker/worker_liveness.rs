//! A worker is alive until a liveness timeout after its last heartbeat.

use pigato_proto::broker::Loss;
use pigato_proto::config::BrokerOptions;

use super::world::{ms, World};

#[test]
fn heartbeats_are_answered() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.send("w1", r#"W|4||{"concurrency":5}"#);
    assert_eq!(world.received("w1"), ["W|4"]);
}

#[test]
fn the_deadline_is_exact() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.advance(ms(3));
    world.send("w1", "W|4||{}");
    world.advance(ms(7_499));
    assert_eq!(world.statistics().workers, 1);
    world.advance(ms(1));
    assert_eq!(world.statistics().workers, 0);
    assert_eq!(world.losses(), [Loss::Silent]);
    assert_eq!(world.received("w1").last().map(String::as_str), Some("W|5"));
}

#[test]
fn the_deadline_follows_the_brokers_settings() {
    let mut world = World::with(BrokerOptions::default().heartbeat(ms(100)).heartbeat_liveness(5_u32));
    world.worker("w1", "echo");
    world.advance(ms(499));
    assert_eq!(world.statistics().workers, 1);
    world.advance(ms(1));
    assert_eq!(world.statistics().workers, 0);
}

#[test]
fn the_longer_of_the_two_intervals_counts() {
    let mut world = World::new();
    world.send("slow", r#"W|1|echo|{"v":1,"heartbeat":10000}"#);
    world.send("fast", r#"W|1|echo|{"v":1,"heartbeat":100}"#);
    world.advance(ms(7_499));
    assert_eq!(world.statistics().workers, 2);
    world.advance(ms(1));
    assert_eq!(world.directory(), r#"{"echo":["slow"]}"#);
    world.advance(ms(22_499));
    assert_eq!(world.statistics().workers, 1);
    world.advance(ms(1));
    assert_eq!(world.statistics().workers, 0);
}

#[test]
fn a_quiet_worker_receives_heartbeats() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.advance(ms(2_499));
    assert!(world.received("w1").is_empty());
    world.advance(ms(1));
    assert_eq!(world.received("w1"), ["W|4"]);
    world.advance(ms(2_499));
    assert!(world.received("w1").is_empty());
    world.advance(ms(1));
    assert_eq!(world.received("w1"), ["W|4"]);
    world.advance(ms(2_500));
    assert_eq!(world.received("w1"), ["W|5"]);
}

#[test]
fn replies_and_rejects_are_signs_of_life() {
    let mut world = World::new();
    world.worker("w1", "echo");
    for id in ["r1", "r2"] {
        world.request("c1", "echo", id);
    }
    world.advance(ms(7_000));
    world.partial("w1", "r1");
    world.advance(ms(7_000));
    world.reply("w1", "r1");
    world.advance(ms(7_000));
    world.reject("w1", "r2");
    world.advance(ms(7_499));
    assert_eq!(world.statistics().workers, 1);
    world.advance(ms(1));
    assert_eq!(world.statistics().workers, 0);
}

#[test]
fn another_peer_can_report_that_a_worker_is_alive() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker([1, 2, 3, 4, 0xff], "echo");
    for _ in 0..10 {
        world.advance(ms(7_000));
        world.send("helper", "C|4|worker|w1");
        world.send_frames("helper", [&b"C"[..], b"4", b"worker", &[1, 2, 3, 4, 0xff]]);
    }
    assert_eq!(world.statistics().workers, 2);
    world.advance(ms(7_500));
    assert_eq!(world.statistics().workers, 0);
}

#[test]
fn a_report_for_an_unknown_worker_has_no_effect() {
    let mut world = World::new();
    world.send("helper", "C|4|worker|nobody");
    world.send("helper", "C|4|worker|");
    assert!(world.received("helper").is_empty());
    assert_eq!(world.statistics().clients, 0);
}

#[test]
fn a_silent_worker_is_gone_even_while_it_receives_requests() {
    let mut world = World::new();
    world.worker("w1", "echo");
    for number in 0..8 {
        world.request("c1", "echo", &format!("r{number}"));
        world.advance(ms(1_000));
    }
    assert_eq!(world.statistics().workers, 0);
}
