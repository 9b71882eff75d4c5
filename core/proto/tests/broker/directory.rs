//! `$dir` lists which worker serves which name; the broker answers it, unless a worker is
//! registered for it.

use pigato_proto::config::BrokerOptions;

use super::world::{ms, World};

fn world() -> World {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.worker("w2", "echo");
    world.worker("w3", "ech*");
    world.worker([0, 0xff], "name@1.0.0");
    world
}

const MAP: &str = r#"{"ech*":["w3"],"echo":["w1","w2"],"name@1.0.0":["0x00ff"]}"#;

#[test]
fn without_data_the_reply_is_the_whole_map() {
    let mut world = world();
    for data in ["null", "", "undefined", "\"\"", "{}", "7", "not json"] {
        world.send("c1", &format!("C|2|$dir|r1|{data}|{{}}"));
        assert_eq!(world.received("c1"), [format!("C|3||r1|0|{MAP}|{{}}")], "{data}");
    }
    assert_eq!(world.directory(), MAP);
    assert_eq!(world.statistics().clients, 0);
}

#[test]
fn with_a_name_the_reply_lists_its_workers() {
    let mut world = world();
    for (data, workers) in [("\"echo\"", r#"["w1","w2"]"#), ("\"name@1.0.0\"", r#"["0x00ff"]"#)] {
        world.send("c1", &format!("C|2|$dir|r1|{data}|{{}}"));
        assert_eq!(world.received("c1"), [format!("C|3||r1|0|{workers}|{{}}")]);
    }
}

#[test]
fn an_unknown_name_has_no_workers() {
    let mut world = world();
    for name in ["nobody", "$dir", "constructor", "__proto__"] {
        world.send("c1", &format!("C|2|$dir|r1|\"{name}\"|{{}}"));
        assert_eq!(world.received("c1"), ["C|3||r1|0|[]|{}"], "{name}");
    }
    world.send("c1", &format!("C|2|$dir|r1|\"{}\"|{{}}", "x".repeat(1_000)));
    assert_eq!(world.received("c1"), ["C|3||r1|0|[]|{}"]);
}

#[test]
fn a_registered_directory_worker_takes_precedence() {
    let mut world = World::new();
    world.worker("dir", "$dir");
    world.send("c1", "C|2|$dir|r1|null|{}");
    assert_eq!(world.jobs("dir"), ["r1"]);
    world.reply("dir", "r1");
    assert_eq!(world.received("c1"), ["C|3||r1|0|2|{}"]);

    world.send("dir", "W|5");
    world.send("c1", "C|2|$dir|r2|null|{}");
    assert_eq!(world.received("c1"), ["C|3||r2|0|{}|{}"]);
}

#[test]
fn requests_queued_for_a_directory_worker_are_answered_when_it_leaves() {
    let mut world = World::new();
    world.worker_of("dir", "$dir", 1);
    world.send("c1", "C|2|$dir|r1|null|{\"retry\":1}");
    world.send("c1", "C|2|$dir|r2|\"echo\"|{}");
    world.send("dir", "W|5");
    assert_eq!(world.received("c1"), ["C|3||r1|0|{}|{}", "C|3||r2|0|[]|{}"]);
}

#[test]
fn the_directory_is_published_when_workers_register_or_leave() {
    let mut world = World::new();
    world.worker("w1", "echo");
    assert_eq!(world.publications(), [r#"$dir {"echo":["w1"]}"#]);
    world.advance(ms(100));
    world.send("w1", "W|5");
    assert_eq!(world.publications(), ["$dir {}"]);
}

#[test]
fn many_changes_at_once_are_published_together() {
    let mut world = World::new();
    for number in 0..100 {
        world.worker(format!("w{number}"), "echo");
    }
    assert_eq!(world.publications().len(), 1);
    world.advance(ms(9));
    assert!(world.publications().is_empty());
    world.advance(ms(1));
    let publications = world.publications();
    assert_eq!(publications.len(), 1);
    assert_eq!(publications[0].matches("\"w").count(), 100);
    world.advance(ms(1_000));
    assert!(world.publications().is_empty());
}

#[test]
fn the_directory_is_published_when_a_core_service_asks_for_it() {
    let mut world = World::new();
    world.worker("dir", "$dir");
    world.worker("w1", "echo");
    world.advance(ms(100));
    world.publications();
    world.send("dir", r#"W|4||{"concurrency":100}"#);
    world.send("w1", r#"W|4||{"update":1,"concurrency":100}"#);
    assert!(world.publications().is_empty());
    world.send("dir", r#"W|4||{"update":1,"concurrency":100}"#);
    assert_eq!(world.publications(), [r#"$dir {"$dir":["dir"],"echo":["w1"]}"#]);
}

#[test]
fn the_directory_is_answered_by_a_full_broker() {
    let mut world = World::with(BrokerOptions::default().max_requests(1_usize));
    world.request("c1", "nobody", "r1");
    world.send("c2", "C|2|$dir|r2|null|{}");
    assert_eq!(world.outcomes("c2"), ["r2 ok"]);
}

#[test]
fn the_directory_is_published_for_a_new_subscriber() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.advance(ms(100));
    world.publications();
    world.subscribe();
    assert_eq!(world.publications(), [r#"$dir {"echo":["w1"]}"#]);
    world.subscribe();
    world.advance(ms(9));
    assert!(world.publications().is_empty());
    world.advance(ms(1));
    assert_eq!(world.publications().len(), 1);
}
