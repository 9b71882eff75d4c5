//! The broker caches replies if the worker allows it, and answers equal requests from the cache.

use pigato_proto::config::BrokerOptions;

use super::world::{ms, World};

const CACHED: &str = "0|\"kept\"|{\"cache\":1000}";

/// A world whose worker answered `C|2|echo|…|1|{}` with a reply that may be cached for 1 s.
fn world() -> World {
    let mut world = World::new();
    world.worker("w1", "echo");
    answered(&mut world, "1", "{}", CACHED);
    world
}

fn answered(world: &mut World, data: &str, options: &str, reply: &str) {
    world.send("c1", &format!("C|2|echo|first|{data}|{options}"));
    world.answer("w1", "3", "first", reply);
    world.received("c1");
    world.received("w1");
}

/// Whether the request reaches the worker, and not the cache.
fn asks_the_worker(world: &mut World, data: &str, options: &str) -> bool {
    world.send("c2", &format!("C|2|echo|again|{data}|{options}"));
    let asked = !world.jobs("w1").is_empty();
    if asked {
        world.reply("w1", "again");
    }
    world.received("c2");
    asked
}

#[test]
fn an_equal_request_is_answered_from_the_cache() {
    let mut world = world();
    world.send("c2", "C|2|echo|r2|1|{\"timeout\":5}");
    assert_eq!(world.received("c2"), [r#"C|3||r2|0|"kept"|{"cache":1000}"#]);
    assert!(world.jobs("w1").is_empty());
    assert_eq!(world.statistics().cache_hits, 1);
}

#[test]
fn a_reply_is_cached_for_the_time_that_the_worker_set() {
    let mut world = world();
    world.advance(ms(999));
    assert!(!asks_the_worker(&mut world, "1", "{}"));
    world.advance(ms(1));
    assert!(asks_the_worker(&mut world, "1", "{}"));
}

#[test]
fn a_hit_does_not_prolong_it() {
    let mut world = world();
    for _ in 0..9 {
        world.advance(ms(100));
        assert!(!asks_the_worker(&mut world, "1", "{}"));
    }
    world.advance(ms(100));
    assert!(asks_the_worker(&mut world, "1", "{}"));
}

#[test]
fn nocache_bypasses_the_cache() {
    let mut world = world();
    assert!(asks_the_worker(&mut world, "1", r#"{"nocache":1}"#));
    assert!(!asks_the_worker(&mut world, "1", "{}"));
}

#[test]
fn only_equal_service_and_data_hit_the_cache() {
    let mut world = world();
    world.worker("w2", "other");
    assert!(asks_the_worker(&mut world, "2", "{}"));
    assert!(asks_the_worker(&mut world, "1 ", "{}"));
    world.send("c2", "C|2|other|r3|1|{}");
    assert_eq!(world.jobs("w2"), ["r3"]);
}

#[test]
fn raw_data_does_not_match_json() {
    let mut world = world();
    assert!(asks_the_worker(&mut world, "1", r#"{"codec":"raw"}"#));
}

#[test]
fn the_cache_works_without_workers() {
    let mut world = world();
    world.send("w1", "W|5");
    assert!(!asks_the_worker(&mut world, "1", "{}"));
}

#[test]
fn a_newer_reply_replaces_the_older() {
    let mut world = world();
    let bytes = world.statistics().cache_bytes;
    answered(&mut world, "1", r#"{"nocache":1}"#, "0|\"newer\"|{\"cache\":1000}");
    world.send("c2", "C|2|echo|r2|1|{}");
    assert_eq!(world.received("c2"), [r#"C|3||r2|0|"newer"|{"cache":1000}"#]);
    assert_eq!(world.statistics().cache_bytes, bytes + 1);
}

#[test]
fn errors_are_not_cached() {
    let mut world = World::new();
    world.worker("w1", "echo");
    answered(&mut world, "1", "{}", "-1|\"bad\"|{\"cache\":1000}");
    assert!(asks_the_worker(&mut world, "1", "{}"));
}

#[test]
fn replies_after_partial_replies_are_not_cached() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.send("c1", "C|2|echo|first|1|{}");
    world.partial("w1", "first");
    world.answer("w1", "3", "first", CACHED);
    world.received("w1");
    assert!(asks_the_worker(&mut world, "1", "{}"));
}

#[test]
fn targeted_requests_bypass_the_cache() {
    let mut world = world();
    assert!(asks_the_worker(&mut world, "1", r#"{"workerId":"w1"}"#));
    answered(&mut world, "2", r#"{"workerId":"w1"}"#, CACHED);
    assert!(asks_the_worker(&mut world, "2", "{}"));
}

#[test]
fn replies_without_the_option_are_not_cached() {
    for options in ["{}", "", "undefined", "{\"cache\":0}", "{\"cache\":-1}", "{\"cache\":null}", "{\"cache\":\"x\"}"] {
        let mut world = World::new();
        world.worker("w1", "echo");
        answered(&mut world, "1", "{}", &format!("0|2|{options}"));
        assert!(asks_the_worker(&mut world, "1", "{}"), "{options}");
        assert_eq!(world.statistics().cache_bytes, 0, "{options}");
    }
}

#[test]
fn beyond_its_size_the_cache_drops_the_least_recently_used_reply() {
    let mut world = World::with(BrokerOptions::default().cache_bytes(1_000_usize));
    world.worker("w1", "echo");
    for data in ["1", "2", "3"] {
        answered(&mut world, data, "{}", CACHED);
    }
    assert!(!asks_the_worker(&mut world, "1", "{}"));
    answered(&mut world, "4", "{}", CACHED);
    assert!(world.statistics().cache_bytes <= 1_000);
    assert!(asks_the_worker(&mut world, "2", "{}"));
    for data in ["1", "3", "4"] {
        assert!(!asks_the_worker(&mut world, data, "{}"), "{data}");
    }
}

#[test]
fn a_reply_larger_than_the_cache_is_not_cached() {
    let mut world = World::with(BrokerOptions::default().cache_bytes(1_000_usize));
    world.worker("w1", "echo");
    answered(&mut world, "1", "{}", CACHED);
    answered(&mut world, "2", "{}", &format!("0|{}|{{\"cache\":1000}}", "x".repeat(1_000)));
    assert!(!asks_the_worker(&mut world, "1", "{}"));
    assert!(asks_the_worker(&mut world, "2", "{}"));
}

#[test]
fn a_size_of_0_disables_the_cache() {
    let mut world = World::with(BrokerOptions::default().cache_bytes(0_usize));
    world.worker("w1", "echo");
    answered(&mut world, "1", "{}", CACHED);
    assert!(asks_the_worker(&mut world, "1", "{}"));
}
