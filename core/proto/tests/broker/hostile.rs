//! Messages of a hostile peer are counted, leave no state and affect no other peer.

use pigato_proto::broker::Statistics;

use super::world::{ms, World};

/// The broker's state, without its counters.
fn held(statistics: Statistics) -> [usize; 6] {
    let Statistics { workers, clients, queued, in_flight, request_bytes, cache_bytes, .. } = statistics;
    [workers, clients, queued, in_flight, request_bytes, cache_bytes]
}

/// Sends hostile messages while a request is in flight, and asserts that they leave no state.
fn attacked_with(messages: &[Vec<Vec<u8>>]) {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    let before = world.statistics();
    for (number, message) in messages.iter().enumerate() {
        world.send_frames(format!("stranger {number}"), message);
        world.send_frames("one stranger", message);
    }
    let after = world.statistics();
    assert_eq!(held(after), held(before));
    assert_eq!(after.protocol_errors, before.protocol_errors + 2 * messages.len() as u64);
    world.reply("w1", "r1");
    assert_eq!(world.outcomes("c1"), ["r1 ok"]);
}

fn frames(message: &[&[u8]]) -> Vec<Vec<u8>> {
    message.iter().map(|frame| frame.to_vec()).collect()
}

fn repeated(first: &[&[u8]], count: usize) -> Vec<Vec<u8>> {
    let mut message = frames(first);
    message.resize(count, b"x".to_vec());
    message
}

#[test]
fn messages_of_one_frame() {
    attacked_with(&[frames(&[b""]), frames(&[b"C"]), frames(&[b"W"]), frames(&[b"\xff"]), frames(&[b"CW"])]);
}

#[test]
fn a_message_without_frames() {
    attacked_with(&[Vec::new()]);
}

#[test]
fn messages_of_a_hundred_frames() {
    attacked_with(&[repeated(&[b"X"], 100), repeated(&[b"C", b"99"], 100), repeated(&[b"W", b"3"], 100)]);
}

#[test]
fn messages_of_two_thousand_frames() {
    let readable: [&[&[u8]]; 4] =
        [&[b"C", b"2", b"echo", b"r9"], &[b"C", b"4"], &[b"W", b"1", b"echo"], &[b"W", b"3", b"c1", b"", b"r1"]];
    attacked_with(&readable.map(|first| repeated(first, 2_000)));
}

#[test]
fn unknown_sides_and_types() {
    attacked_with(&[
        frames(&[b"X", b"1", b"echo"]),
        frames(&[b"c", b"4"]),
        frames(&[b"", b"C", b"4"]),
        frames(&[b"C", b"0"]),
        frames(&[b"C", b""]),
        frames(&[b"C", b"44"]),
        frames(&[b"C", b"\x04"]),
        frames(&[b"W", b"0"]),
        frames(&[b"W", b""]),
        frames(&[b"W", b"8", b"c1", b"", b"r1"]),
        frames(&[b"W", b"\x01", b"echo"]),
    ]);
}

#[test]
fn frames_that_are_not_utf_8() {
    attacked_with(&[
        frames(&[b"\xff", b"\xfe"]),
        frames(&[b"C", b"\xff"]),
        frames(&[b"C", b"9", b"\xff", b"r1", b"\xff"]),
        frames(&[b"W", b"\xff", b"\xff", b"\xff"]),
        frames(&[b"W", b"4", b"\xff", b"\xff"]),
        frames(&[b"W", b"3", b"\xff", b"\xff", b"\xff", b"\xff", b"\xff", b"\xff"]),
        frames(&[b"W", b"7", b"\xff", b"\xff", b"\xff"]),
    ]);
}

#[test]
fn empty_frames() {
    attacked_with(&[
        frames(&[b"", b""]),
        frames(&[b"C", b"", b"", b"", b"", b""]),
        frames(&[b"C", b"2", b"", b"", b"", b""]),
        frames(&[b"C", b"8", b"", b""]),
        frames(&[b"C", b"9", b"", b"", b""]),
        frames(&[b"W", b"1", b""]),
        frames(&[b"W", b"3", b"", b"", b"", b"", b"", b""]),
    ]);
}

#[test]
fn a_heartbeat_of_any_json_is_a_heartbeat() {
    let mut world = World::new();
    world.worker("w1", "echo");
    let deep = "[".repeat(10_000);
    for json in ["null", "0", "[]", "\"\"", "{\"concurrency\":{\"a\":[]}}", "{\"update\":null}", "nope", &deep] {
        world.send("w1", &format!("W|4||{json}"));
        assert_eq!(world.received("w1"), ["W|4"]);
    }
    world.send_frames("w1", [&b"W"[..], b"4", b"\xff", b"\xff\xff"]);
    assert_eq!(world.received("w1"), ["W|4"]);
    assert_eq!(world.statistics().protocol_errors, 0);
}

#[test]
fn a_clients_heartbeat_of_any_json_is_a_heartbeat() {
    let mut world = World::new();
    for json in ["{", "{}", "{\"v\":null}", "{\"v\":-1}", "{\"heartbeat\":\"x\"}"] {
        world.send("c1", &format!("C|4|{json}"));
        assert_eq!(world.received("c1"), ["C|4"], "{json}");
    }
}

#[test]
fn a_huge_announced_heartbeat_is_clamped() {
    let mut world = World::new();
    for (client, heartbeat) in [("c1", "0"), ("c2", "-5"), ("c3", "9223372036854775807")] {
        world.hello(client, &format!(r#","heartbeat":{heartbeat}"#));
    }
    world.advance(ms(3 * 24 * 3_600_000));
    assert_eq!(world.statistics().clients, 0);
}

#[test]
fn service_names_with_special_meaning_in_other_languages_are_plain_names() {
    let mut world = World::new();
    for service in ["constructor", "__proto__", "toString", "hasOwnProperty", "*", "@", "$", "@@", "x@", "@1.0.0"] {
        world.request("c1", service, service);
        assert_eq!(world.statistics().queued, 1, "{service}");
        world.worker("w1", service);
        assert_eq!(world.jobs("w1"), [service]);
        world.reply("w1", service);
        world.send("w1", "W|5");
        world.received("w1");
    }
    assert_eq!(world.directory(), "{}");
}

#[test]
fn requests_with_binary_fields_are_served_like_others() {
    let mut world = World::new();
    let binary: &[u8] = b"\xff\x00\xfe@\xff*";
    world.send_frames("w1", [b"W", b"1", binary]);
    world.send_frames(binary, [b"C", b"2", binary, binary, binary, binary, binary]);
    world.send_frames("w1", [b"W", b"3", binary, binary, binary, binary, binary, binary]);
    assert_eq!(world.raw(binary).len(), 1);
    assert_eq!(world.statistics().replies, 1);
    assert_eq!(world.statistics().clients, 0);
}

#[test]
fn one_identity_can_be_client_and_worker() {
    let mut world = World::new();
    world.worker("both", "echo");
    world.send("both", "C|4");
    world.request("both", "echo", "r1");
    world.reply("both", "r1");
    assert_eq!(world.received("both"), ["C|4", "W|2|both|echo||r1|1|{}", "C|3||r1|0|2|{}"]);
    world.request("both", "echo", "r2");
    world.unroutable("both");
    let statistics = world.statistics();
    assert_eq!((statistics.workers, statistics.clients, statistics.in_flight), (0, 0, 0));
}
