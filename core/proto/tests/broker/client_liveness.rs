//! A client that sends heartbeats and then falls silent is gone; its requests are cancelled.

use std::collections::BTreeSet;

use pigato_proto::broker::{Event, Loss, Statistics};

use super::world::{ms, World};

#[test]
fn heartbeats_are_answered() {
    let mut world = World::new();
    world.send("c1", "C|4");
    world.send("c1", "C|4|");
    assert_eq!(world.received("c1"), ["C|4", "C|4"]);
}

#[test]
fn a_hello_is_answered_with_a_hello() {
    let mut world = World::new();
    world.send("c1", r#"C|4|{"v":1,"caps":["cancel"],"heartbeat":1000}"#);
    let expected = r#"C|4|{"v":1,"caps":["cancel","credit","codec"],"heartbeat":2500,"name":"B-test","session":1}"#;
    assert_eq!(world.received("c1"), [expected]);
}

#[test]
fn a_client_that_was_given_up_receives_another_session() {
    let mut world = World::new();
    let announced = |world: &mut World| {
        world.send("c1", r#"C|4|{"v":1,"heartbeat":2500}"#);
        world.received("c1").concat()
    };
    let first = announced(&mut world);
    world.advance(ms(7_499));
    assert_eq!(announced(&mut world), first);
    world.advance(ms(60_000));
    assert_eq!(announced(&mut world), first.replace(r#""session":1"#, r#""session":2"#));
}

#[test]
fn a_silent_client_is_gone_exactly_at_its_deadline() {
    let mut world = World::new();
    world.send("c1", "C|4");
    world.advance(ms(7_499));
    assert_eq!(world.statistics().clients, 1);
    world.advance(ms(1));
    assert_eq!(world.statistics().clients, 0);
    assert!(matches!(&world.events()[..], [Event::ClientLeft { reason: Loss::Silent, .. }]));
}

#[test]
fn many_live_peers_share_deadlines_and_a_silent_peer_is_gone_exactly_at_its_own() {
    const PEERS: u64 = 500;
    let mut world = World::new();
    let mut deadlines = BTreeSet::new();
    // Spread over the interval, 3 intervals in all; the last peer sends nothing after the first.
    for beat in 0..3 * PEERS {
        let peer = beat % PEERS;
        match (beat < PEERS, peer.is_multiple_of(2)) {
            (true, false) => world.worker(format!("w{peer}"), "echo"),
            (false, false) if peer < PEERS - 1 => world.send(format!("w{peer}"), "W|4||{}"),
            (_, true) => world.send(format!("c{peer}"), "C|4"),
            _ => {}
        }
        deadlines.extend(world.next_deadline().filter(|_| beat >= PEERS));
        world.advance(ms(5));
    }
    assert!(deadlines.len() < 150, "{} deadlines for {PEERS} peers in two intervals", deadlines.len());
    world.advance(ms(5 * (PEERS - 1) + 7_500) - world.elapsed() - ms(1));
    let Statistics { clients, workers, .. } = world.statistics();
    assert_eq!((clients as u64, workers as u64), (PEERS / 2, PEERS / 2), "all peers are still known");
    world.advance(ms(1));
    assert_eq!(world.losses(), [Loss::Silent]);
}

#[test]
fn a_returning_client_learns_that_its_state_was_dropped() {
    let mut world = World::new();
    let hello = r#"C|4|{"v":1}"#;
    world.send("c1", hello);
    world.send("c1", hello);
    world.advance(ms(7_500));
    world.send("c1", hello);
    let sessions: Vec<String> = world.received("c1").iter().filter_map(|hello| session(hello)).collect();
    assert_eq!(sessions, ["1", "1", "2"]);
}

fn session(hello: &str) -> Option<String> {
    let (_, rest) = hello.split_once(r#""session":"#)?;
    Some(rest.trim_end_matches('}').to_owned())
}

#[test]
fn every_message_is_a_sign_of_life() {
    let mut world = World::new();
    world.send("c1", "C|4");
    world.request_with("c1", "echo", "r1", r#"{"timeout":-1}"#);
    for message in ["C|2|echo|r2|1|{}", "C|4|request|r1", "C|8||r2", "C|9||r1|1", "C|4|worker|w1"] {
        world.advance(ms(7_000));
        world.send("c1", message);
    }
    world.advance(ms(7_499));
    assert_eq!(world.statistics().clients, 1);
    world.advance(ms(1));
    assert_eq!(world.statistics().clients, 0);
}

#[test]
fn the_clients_longer_interval_counts() {
    let mut world = World::new();
    world.hello("c1", r#","heartbeat":10000"#);
    world.advance(ms(29_999));
    assert_eq!(world.statistics().clients, 1);
    world.advance(ms(1));
    assert_eq!(world.statistics().clients, 0);
}

#[test]
fn the_clients_shorter_interval_does_not_count() {
    let mut world = World::new();
    world.hello("c1", r#","heartbeat":100"#);
    world.advance(ms(7_499));
    assert_eq!(world.statistics().clients, 1);
    world.advance(ms(1));
    assert_eq!(world.statistics().clients, 0);
}

#[test]
fn an_unannounced_interval_is_derived_from_the_heartbeats() {
    let mut world = World::new();
    world.send("c1", "C|4");
    world.advance(ms(5_000));
    world.send("c1", "C|4");
    world.advance(ms(14_999));
    assert_eq!(world.statistics().clients, 1);
    world.advance(ms(1));
    assert_eq!(world.statistics().clients, 0);
}

#[test]
fn a_client_that_never_sent_a_heartbeat_has_no_liveness_timeout() {
    let mut world = World::new();
    world.request_with("c1", "echo", "r1", r#"{"timeout":-1}"#);
    world.send("c1", "C|4|request|r1");
    world.advance(ms(3_600_000));
    assert_eq!(world.statistics().queued, 1);
    assert!(world.received("c1").is_empty());
}

#[test]
fn the_requests_of_a_gone_client_are_cancelled_at_version_1_workers() {
    let mut world = World::new();
    world.modern_worker("modern", "new");
    world.worker("published", "old");
    world.hello("c1", "");
    world.request("c1", "new", "r1");
    world.request("c1", "old", "r2");
    world.request("c1", "nobody", "r3");
    world.received("modern");
    world.received("published");
    world.advance_with(ms(7_500), ["modern", "published"]);
    let messages: Vec<_> = world.received("modern").into_iter().filter(|message| message != "W|4").collect();
    assert_eq!(messages, ["W|8|c1||r1"]);
    assert!(world.received("published").iter().all(|message| message == "W|4"));
    assert_eq!(world.statistics().cancelled, 3);
}

#[test]
fn an_unroutable_client_is_gone_at_once() {
    let mut world = World::new();
    world.modern_worker("w1", "echo");
    world.request("c1", "echo", "r1");
    world.received("w1");
    world.unroutable("c1");
    assert_eq!(world.received("w1"), ["W|8|c1||r1"]);
    assert_eq!(world.statistics().clients, 0);
}

#[test]
fn no_request_of_a_gone_client_is_dispatched() {
    let mut world = World::new();
    world.worker_of("w1", "echo", 1);
    for id in ["r1", "r2", "r3"] {
        world.request("c1", "echo", id);
    }
    // The end of the first request reorders the client's list.
    world.reply("w1", "r1");
    world.request("c2", "echo", "other");
    assert_eq!(world.jobs("w1"), ["r1", "r2"]);
    world.unroutable("c1");
    assert_eq!(world.jobs("w1"), ["other"]);
}

#[test]
fn a_gone_client_leaves_no_deadline() {
    let mut world = World::new();
    world.send("c1", "C|4");
    world.unroutable("c1");
    assert_eq!(world.next_deadline(), None);
}
