//! Messages that no implementation should send, while others work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

use pigato::Client;

use crate::frames;
use crate::support::raw::{is, text, Frames, Raw};
use crate::support::serve::{broker, serve_echo};
use crate::support::wait::{eventually, within};

fn many(count: usize) -> Frames {
    (0..count).map(|number| number.to_string().into_bytes()).collect()
}

fn hostile_messages() -> Vec<Frames> {
    let with_tail = |head: Frames, count| head.into_iter().chain(many(count)).collect::<Frames>();
    let bytes = [0xff_u8, 0xfe, 0x00, 0x80];
    vec![
        frames![""],
        frames!["C"],
        frames!["W"],
        frames!["X"],
        frames!["X", "2", "echo", "rid", "null", "{}"],
        frames!["C", ""],
        frames!["C", "99", "echo", "rid"],
        frames!["W", "99"],
        frames!["C", "3", "", "rid", "0", "null", "{}"],
        many(100),
        many(5_000),
        with_tail(frames!["C", "2"], 98),
        with_tail(frames!["C", "2", "hostile", "rid"], 4_996),
        with_tail(frames!["W", "3"], 5_000),
        with_tail(frames!["C", "4"], 5_000),
        frames!["C", "4", "req", "x"],
        frames!["C", "4", "req"],
        frames!["C", "4", "worker"],
        frames!["C", "4", "worker", "constructor"],
        frames!["C", "4", "null"],
        frames!["C", "4", "{}"],
        frames!["C", "4", r#"{"v":1,"caps":null,"heartbeat":-1e300}"#],
        frames!["C", "8"],
        frames!["C", "8", "", "no-such-rid"],
        frames!["C", "9", "", "no-such-rid", "many"],
        frames!["C", "9", "", "no-such-rid", "99999999999999999999"],
        frames!["W", "4"],
        frames!["W", "4", "", "null"],
        frames!["W", "4", "", "[]"],
        frames!["W", "4", "", r#"{"concurrency":"all"}"#],
        frames!["W", "4", "", r#"{"concurrency":0}"#],
        frames!["W", "1"],
        frames!["W", "1", ""],
        frames!["W", "1", &"x".repeat(300)],
        frames!["W", "3"],
        frames!["W", "3", "", "", "", "", "", ""],
        frames!["W", "7", "nobody", "", "rid", "0", "null", "{}"],
        frames!["W", "5"],
        frames!["C", "2", "constructor", "rid-constructor", "null", "{}"],
        frames!["C", "2", "__proto__", "rid-proto", "null", "{}"],
        frames!["C", "2", "hasOwnProperty", "rid-own", "null", r#"{"timeout":"soon","retry":{},"workerId":7}"#],
        frames!["C", "2", "echo@not-a-range", "rid-range", "null", "{}"],
        frames!["C", "2", "*", "rid-star", "null", "{}"],
        frames!["C", "2", &bytes, &bytes, &bytes, &bytes],
        frames!["W", "1", &bytes, &bytes],
        frames![&bytes, &bytes, &bytes],
        frames!["C", "2", "nobody", "rid-nested", &"[".repeat(100_000), &"{".repeat(100_000)],
    ]
}

#[test]
fn hostile_messages_do_not_stop_a_running_pair() {
    let broker = broker();
    let _worker = serve_echo(broker.endpoint(), "echo");
    let client = Client::connect(broker.endpoint()).unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let running = std::thread::spawn({
        let is_over = Arc::clone(&is_over);
        move || {
            let mut answered = 0_u32;
            while !is_over.load(Ordering::SeqCst) {
                let answer: u32 = within("the reply", client.call("echo", &answered)).unwrap();
                assert_eq!(answer, answered);
                answered += 1;
            }
            answered
        }
    });
    let messages = hostile_messages();
    let shared = Raw::dealer(broker.endpoint(), "hostile");
    for message in &messages {
        // From one peer that sends all messages, and from peers that send only one.
        shared.send(message.clone());
        let own = Raw::dealer(broker.endpoint(), "");
        own.send(message.clone());
        // The hostile message was read once the request behind it is answered.
        own.send(frames!["C", "2", "echo", "after", "\"alive\"", "{}"]);
        let reply = own.receive_where(|frames| is(frames, "C", "3") && frames[3] == b"after");
        assert_eq!(text(&reply)[5], "\"alive\"");
    }
    is_over.store(true, Ordering::SeqCst);

    assert!(running.join().expect("the pair continued") > 0);
    let statistics = broker.statistics().unwrap();
    assert!(statistics.protocol_errors > 0, "{statistics:?}");
    let directory = broker.directory().unwrap();
    assert_eq!(directory["echo"].as_array().map(Vec::len), Some(1), "{directory:?}");
}

#[test]
fn hostile_peers_leave_no_state() {
    let broker = broker();
    let _worker = serve_echo(broker.endpoint(), "echo");
    let client = Client::connect(broker.endpoint()).unwrap();
    assert_eq!(within("the reply", client.call::<_, u8>("echo", &1)).unwrap(), 1);
    let before = broker.statistics().unwrap();
    for number in 0..500 {
        let peer = Raw::dealer(broker.endpoint(), format!("X{number}"));
        peer.send(frames!["X", "2"]);
        peer.send(frames!["C", "8", "", "no-such-rid"]);
        peer.send(frames!["W", "4", "", "null"]);
        assert_eq!(text(&peer.receive()), ["W", "5"]);
    }
    let after = broker.statistics().unwrap();
    assert_eq!((after.clients, after.workers), (before.clients, before.workers));
    assert_eq!((after.queued, after.in_flight, after.request_bytes), (0, 0, 0));
    assert_eq!(after.protocol_errors - before.protocol_errors, 1_000);
}

#[test]
fn a_broker_that_sends_garbage_does_not_stop_client_or_worker() {
    let (router, endpoint) = Raw::router();
    let client = Client::connect(&endpoint).unwrap();
    let worker = pigato::Worker::connect(&endpoint, "work").unwrap();
    let response = client.request("work", &1).send();
    let (mut request, mut ready) = (None, None);
    while request.is_none() || ready.is_none() {
        let message = router.receive();
        match (&message[1][..], &message[2][..]) {
            (b"C", b"2") => request = Some(message),
            (b"W", b"1") => ready = Some(message),
            _ => {}
        }
    }
    let (request, ready) = (request.unwrap(), ready.unwrap());
    let (client_id, rid, worker_id) = (request[0].clone(), request[4].clone(), ready[0].clone());

    for message in hostile_messages() {
        // Some of them are a valid disconnect or final reply; none is for the request in flight.
        if !is(&message, "W", "5") {
            for peer in [&client_id, &worker_id] {
                router.send(std::iter::once(peer.clone()).chain(message.clone()).collect());
            }
        }
    }

    router.send(frames![&client_id, "C", "3", "", &rid, "0", "\"fine\"", "{}"]);
    assert_eq!(within("the reply", response).unwrap().json().unwrap(), "fine");
    router.send(frames![&worker_id, "W", "2", "somebody", "work", "", "rid", "\"data\"", "{}"]);
    let job = eventually("the request", || {
        let job = within("a request", worker.next()).unwrap();
        (job.request.id() == b"rid").then_some(job)
    });
    assert_eq!(job.request.json().unwrap(), "data");
}
