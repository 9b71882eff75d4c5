//! The broker refuses some requests with a reason, without keeping state.

use pigato_proto::config::BrokerOptions;

use super::world::World;

#[test]
fn a_request_without_an_id_is_refused() {
    let mut world = World::new();
    world.worker("w1", "echo");
    for message in ["C|2|echo", "C|2|echo|", "C|2|echo||1|{}"] {
        world.send("c1", message);
        assert_eq!(world.outcomes("c1"), [" B_BAD_REQUEST"], "{message}");
    }
    assert!(world.jobs("w1").is_empty());
    assert_eq!(world.statistics().protocol_errors, 3);
}

#[test]
fn a_request_with_an_id_longer_than_255_bytes_is_refused() {
    let mut world = World::new();
    world.worker("w1", "echo");
    let longest = "r".repeat(255);
    world.request("c1", "echo", &longest);
    world.request("c1", "echo", &"r".repeat(256));
    assert_eq!(world.jobs("w1"), [longest]);
    assert_eq!(world.outcomes("c1"), [" B_BAD_REQUEST"]);
}

#[test]
fn a_request_with_a_service_name_longer_than_255_bytes_is_refused() {
    let mut world = World::new();
    world.request("c1", &"s".repeat(255), "r1");
    world.request("c1", &"s".repeat(256), "r2");
    assert_eq!(world.outcomes("c1"), ["r2 B_BAD_REQUEST"]);
    assert_eq!(world.statistics().queued, 1);
}

#[test]
fn a_request_without_a_service_name_is_refused() {
    let mut world = World::new();
    world.send("c1", "C|2||r1|1|{}");
    world.send("c1", "C|2");
    assert_eq!(world.outcomes("c1"), ["r1 B_BAD_REQUEST", " B_BAD_REQUEST"]);
}

#[test]
fn a_request_with_too_much_data_is_refused() {
    let mut world = World::with(BrokerOptions::default().max_body_bytes(10_usize));
    world.worker("w1", "echo");
    world.send("c1", "C|2|echo|r1|0123456789|{}");
    world.send("c1", "C|2|echo|r2|0123456789a|{}");
    assert_eq!(world.jobs("w1"), ["r1"]);
    assert_eq!(world.outcomes("c1"), ["r2 B_TOO_LARGE"]);
}

#[test]
fn a_request_beyond_the_limit_of_requests_is_refused() {
    let mut world = World::with(BrokerOptions::default().max_requests(3_usize));
    world.worker_of("w1", "echo", 1);
    for id in ["r1", "r2", "r3", "r4"] {
        world.request("c1", "echo", id);
    }
    assert_eq!(world.outcomes("c1"), ["r4 B_QUEUE_FULL"]);
    world.reply("w1", "r1");
    world.request("c1", "echo", "r5");
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
    assert_eq!(world.statistics().queued + world.statistics().in_flight, 3);
}

#[test]
fn a_request_beyond_the_limit_of_bytes_is_refused() {
    let mut world = World::with(BrokerOptions::default().max_request_bytes(100_usize));
    let body = "x".repeat(40);
    // `echo`, the id, the data and the options: 48 bytes per request.
    for id in ["r1", "r2", "r3"] {
        world.send("c1", &format!("C|2|echo|{id}|{body}|{{}}"));
    }
    assert_eq!(world.outcomes("c1"), ["r3 B_QUEUE_FULL"]);
    assert_eq!(world.statistics().request_bytes, 96);
    world.send("c1", "C|8||r1");
    assert_eq!(world.statistics().request_bytes, 48);
    world.send("c1", &format!("C|2|echo|r4|{body}|{{}}"));
    assert!(world.outcomes("c1").is_empty());
}

#[test]
fn extra_frames_count_as_bytes() {
    let mut world = World::with(BrokerOptions::default().max_request_bytes(100_usize));
    world.send("c1", &format!("C|2|echo|r1|1|{{}}|{}", "x".repeat(100)));
    assert_eq!(world.outcomes("c1"), ["r1 B_QUEUE_FULL"]);
}

#[test]
fn a_refusal_leaves_no_state() {
    let mut world = World::with(BrokerOptions::default().max_requests(0_usize));
    for number in 0..10 {
        world.request(format!("c{number}"), "echo", "r1");
    }
    assert_eq!(world.statistics().clients, 0);
    assert_eq!(world.statistics().errors, 10);
    assert_eq!(world.next_deadline(), None);
}
