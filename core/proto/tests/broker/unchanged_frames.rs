//! Bodies and options pass end to end unchanged, and identities are bytes.

use super::world::World;

/// Not UTF-8, with zeros and all byte values.
fn binary() -> Vec<u8> {
    (0..=255).collect()
}

#[test]
fn a_binary_body_passes_both_ways() {
    let body = binary();
    let mut world = World::new();
    world.worker("w1", "echo");
    world.send_frames("c1", [&b"C"[..], b"2", b"echo", b"r1", body.as_slice(), br#"{"codec":"raw"}"#]);
    let job = world.raw("w1").remove(0);
    assert_eq!(*job[6], *body);
    world.send_frames("w1", [&b"W"[..], b"3", b"c1", b"", b"r1", b"0", body.as_slice(), br#"{"codec":"raw"}"#]);
    let reply = world.raw("c1").remove(0);
    assert_eq!(*reply[5], *body);
}

#[test]
fn binary_identities_and_ids_pass() {
    let (client, worker, request) = ([0, 1, 0xff, 0xfe, 0], [0, 0, 0, 0, 0x80], b"\x00\xff|");
    let mut world = World::new();
    world.worker(worker, "echo");
    world.send_frames(client, [&b"C"[..], b"2", b"echo", request, b"1", b"{}"]);
    let job = world.raw(worker).remove(0);
    assert_eq!((&*job[2], &*job[5]), (&client[..], &request[..]));
    world.send_frames(worker, [&b"W"[..], b"3", &client, b"", request, b"0", b"2", b"{}"]);
    let reply = world.raw(client).remove(0);
    assert_eq!((&*reply[3], &*reply[5]), (&request[..], &b"2"[..]));
}

#[test]
fn data_that_is_not_json_passes_unchanged() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.send("c1", "C|2|echo|r1|{\"a\" : 1.0 ,|{ \"timeout\": 1e3, \"mine\": [1, 2] }");
    assert_eq!(world.received("w1"), ["W|2|c1|echo||r1|{\"a\" : 1.0 ,|{ \"timeout\": 1e3, \"mine\": [1, 2] }"]);
}

#[test]
fn extra_frames_of_a_request_pass() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.send("c1", "C|2|echo|r1|1|{}|more||and more");
    assert_eq!(world.received("w1"), ["W|2|c1|echo||r1|1|{}|more||and more"]);
}

#[test]
fn extra_frames_precede_the_metadata_of_version_1() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.send("c1", "C|2|echo|r1|1|{}|more");
    assert_eq!(world.received("w1"), [r#"W|2|c1|echo||r1|1|{}|more|{"remaining":60000,"attempt":1}"#]);
}

#[test]
fn extra_frames_of_a_reply_pass() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.answer("w1", "6", "r1", "0|2|{}|more");
    world.answer("w1", "3", "r1", "0|2|{}|more||and more");
    assert_eq!(world.received("c1"), ["C|6||r1|0|2|{}|more", "C|3||r1|0|2|{}|more||and more"]);
}

#[test]
fn rubys_replies_without_options_pass() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.answer("w1", "3", "r1", "0|\"done\"");
    assert_eq!(world.received("c1"), ["C|3||r1|0|\"done\""]);
}

#[test]
fn gos_empty_options_pass() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.send("c1", "C|2|echo|r1|1|");
    assert_eq!(world.received("w1"), ["W|2|c1|echo||r1|1|"]);
}

#[test]
fn javascripts_undefined_passes() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.send("c1", "C|2|echo|r1|undefined|undefined");
    assert_eq!(world.received("w1"), ["W|2|c1|echo||r1|undefined|undefined"]);
    world.answer("w1", "3", "r1", "-1|\"bad\"|undefined");
    assert_eq!(world.received("c1"), ["C|3||r1|-1|\"bad\"|undefined"]);
}

#[test]
fn missing_data_and_options_of_a_request_are_filled_in() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.send("c1", "C|2|echo|r1|1");
    world.send("c1", "C|2|echo|r2");
    assert_eq!(world.received("w1"), ["W|2|c1|echo||r1|1|{}", "W|2|c1|echo||r2|null|{}"]);
}

#[test]
fn missing_status_and_data_of_a_reply_are_filled_in() {
    let mut world = World::new();
    world.worker("w1", "echo");
    for id in ["r1", "r2"] {
        world.request("c1", "echo", id);
    }
    world.answer("w1", "3", "r1", "0");
    world.send("w1", "W|3|c1||r2");
    assert_eq!(world.received("c1"), ["C|3||r1|0|null", "C|3||r2|0|null"]);
}

#[test]
fn any_status_passes() {
    let mut world = World::new();
    world.worker("w1", "echo");
    for (id, status) in [("r1", ""), ("r2", "-1"), ("r3", "7"), ("r4", "no number")] {
        world.request("c1", "echo", id);
        world.answer("w1", "3", id, &format!("{status}|2|{{}}"));
        assert_eq!(world.received("c1"), [format!("C|3||{id}|{status}|2|{{}}")]);
    }
}

#[test]
fn partial_replies_keep_their_order() {
    let mut world = World::new();
    world.worker("w1", "echo");
    world.request("c1", "echo", "r1");
    for number in 0..100 {
        world.answer("w1", "6", "r1", &format!("0|{number}|{{}}"));
    }
    let expected: Vec<_> = (0..100).map(|number| format!("C|6||r1|0|{number}|{{}}")).collect();
    assert_eq!(world.received("c1"), expected);
}
