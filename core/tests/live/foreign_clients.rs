//! Clients of other implementations: Ruby's and Go's frames, and libzmq's own identities.

use std::thread;
use std::time::Duration;

use pigato::{Broker, Worker};
use serde_json::json;

use crate::frames;
use crate::support::raw::{is, text, Raw};
use crate::support::serve::{broker, serve, serve_echo, ANY_PORT};
use crate::support::wait::{eventually, within};

#[test]
fn requests_are_answered_with_any_options() {
    let broker = broker();
    let _worker = serve(Worker::builder(broker.endpoint(), "opts"), |request, _| {
        Ok(json!({"data": request.json()?, "options": request.options()}))
    });
    // Go sends an empty frame, Ruby `{}`; anything else must be harmless.
    let clients = [
        ("0123456789ab", vec!["\"data\"", ""]),
        ("5f0c7b52-6a49-4d4e-9e8a-5a8fd3d4b5a1", vec!["\"data\"", "{}"]),
        ("C-undefined", vec!["\"data\"", "undefined"]),
        ("C-null", vec!["\"data\"", "null"]),
        ("C-nonsense", vec!["\"data\"", "{not json"]),
        ("C-array", vec!["\"data\"", "[1]"]),
        ("C-absent", vec!["\"data\""]),
        ("C-extra", vec!["\"data\"", "{}", "extra", "frames"]),
        ("", vec!["\"data\"", "{}"]),
    ];
    for (identity, rest) in clients {
        let client = Raw::dealer(broker.endpoint(), identity);
        let mut request = frames!["C", "2", "opts", "rid-1"];
        request.extend(rest.iter().map(|frame| frame.as_bytes().to_vec()));
        client.send(request);
        let reply = client.receive();
        assert_eq!(
            text(&reply),
            ["C", "3", "", "rid-1", "0", r#"{"data":"data","options":{}}"#, "{}"],
            "{identity} {rest:?}"
        );
    }
}

#[test]
fn data_that_is_absent_or_undefined_is_null() {
    let broker = broker();
    let _worker = serve_echo(broker.endpoint(), "echo");
    let client = Raw::dealer(broker.endpoint(), "raw");
    let requests = [
        frames!["C", "2", "echo", "rid"],
        frames!["C", "2", "echo", "rid", ""],
        frames!["C", "2", "echo", "rid", "undefined", "{}"],
        frames!["C", "2", "echo", "rid", "null", "{}"],
    ];
    for request in requests {
        client.send(request);
        assert_eq!(text(&client.receive()), ["C", "3", "", "rid", "0", "null", "{}"]);
    }
}

#[test]
fn heartbeats_are_answered_in_their_own_form() {
    let broker = broker();
    let client = Raw::dealer(broker.endpoint(), "raw");
    client.send(frames!["C", "4"]);
    assert_eq!(text(&client.receive()), ["C", "4"]);
    client.send(frames!["C", "4", "some-rid"]);
    assert_eq!(text(&client.receive()), ["C", "4"]);
    client.send(frames!["C", "4", r#"{"v":1,"caps":["cancel"],"heartbeat":5000,"credit":3}"#]);
    let hello = text(&client.receive());
    assert_eq!((hello.len(), &hello[..2]), (3, &["C".to_owned(), "4".to_owned()][..]));
    let announced: serde_json::Value = serde_json::from_str(&hello[2]).unwrap();
    assert_eq!((&announced["v"], &announced["heartbeat"]), (&json!(1), &json!(2_500)));
    assert_eq!(announced["name"], broker.name());
}

#[test]
fn two_clients_can_use_the_same_request_id() {
    let broker = broker();
    let worker = Worker::connect(broker.endpoint(), "who").unwrap();
    let clients = [Raw::dealer(broker.endpoint(), "first"), Raw::dealer(broker.endpoint(), "second")];
    for client in &clients {
        client.send(frames!["C", "2", "who", "same", "null", ""]);
    }
    let jobs: Vec<_> = (0..2).map(|_| within("a request", worker.next()).unwrap()).collect();
    for job in jobs {
        assert_eq!(job.request.id(), b"same");
        job.reply.end(&job.request.client()).unwrap();
    }
    for (client, name) in clients.iter().zip(["first", "second"]) {
        assert_eq!(text(&client.receive()), ["C", "3", "", "same", "0", &format!("{name:?}"), "{}"]);
    }
}

#[test]
fn a_second_request_with_a_live_id_does_not_run() {
    let broker = broker();
    let worker = Worker::connect(broker.endpoint(), "work").unwrap();
    let client = Raw::dealer(broker.endpoint(), "raw");
    client.send(frames!["C", "2", "work", "rid", "1", ""]);
    client.send(frames!["C", "2", "work", "rid", "2", ""]);
    let job = within("the request", worker.next()).unwrap();
    eventually("the second one is counted", || (broker.statistics().unwrap().protocol_errors == 1).then_some(()));
    assert_eq!(broker.statistics().unwrap().dispatches, 1);
    job.reply.end("once").unwrap();
    assert_eq!(text(&client.receive()), ["C", "3", "", "rid", "0", "\"once\"", "{}"]);
}

#[test]
fn partial_and_binary_replies_arrive_unchanged() {
    let broker = broker();
    let worker = Worker::connect(broker.endpoint(), "work").unwrap();
    let binary_identity = [1_u8, 0, 255, 128, 7];
    let client = Raw::dealer(broker.endpoint(), binary_identity);
    client.send(frames!["C", "2", "work", &[0xff, 0x00, 0xfe], &[0, 159, 146, 150], r#"{"codec":"raw"}"#]);
    let job = within("the request", worker.next()).unwrap();
    assert_eq!(job.request.bytes(), [0, 159, 146, 150]);
    assert_eq!(job.request.id(), [0xff, 0x00, 0xfe]);

    within("the write", job.reply.write(&1)).unwrap();
    within("the write", job.reply.write_raw(&[0_u8, 255])).unwrap();
    job.reply.end_raw(&[254_u8, 0]).unwrap();

    assert_eq!(client.receive(), frames!["C", "6", "", &[0xff, 0x00, 0xfe], "0", "1", "{}"]);
    assert_eq!(client.receive(), frames!["C", "6", "", &[0xff, 0x00, 0xfe], "0", &[0, 255], r#"{"codec":"raw"}"#]);
    let last = client.receive();
    assert!(is(&last, "C", "3"));
    assert_eq!(last[5], [254, 0]);
}

#[test]
fn invalid_requests_are_refused_with_a_reason() {
    let broker = broker();
    let client = Raw::dealer(broker.endpoint(), "raw");
    let long = "x".repeat(256);
    let refused = [
        (frames!["C", "2", "work"], ""),
        (frames!["C", "2", "work", "", "null", "{}"], ""),
        (frames!["C", "2", "", "rid", "null", "{}"], "rid"),
        (frames!["C", "2", &long, "rid", "null", "{}"], "rid"),
    ];
    for (request, rid) in refused {
        client.send(request);
        let reply = text(&client.receive());
        assert_eq!(reply[..6], ["C", "3", "", rid, "-1", "\"B_BAD_REQUEST\""]);
        assert!(reply[6].contains(r#""origin":"broker""#), "{reply:?}");
    }
}

/// libzmq notes messages that arrive while the broker sends, and the descriptor does not become
/// readable for them.
#[test]
fn a_steady_stream_of_requests_does_not_stall_until_a_heartbeat() {
    const REQUESTS: usize = 30_000;
    let broker = Broker::builder().bind(ANY_PORT).intch(None).heartbeat(Duration::from_secs(600)).start().unwrap();
    let worker = Raw::dealer(broker.endpoint(), "worker");
    worker.send(frames!["W", "1", "echo"]);
    worker.send(frames!["W", "4", "", r#"{"concurrency":-1}"#]);
    let working = thread::spawn(move || {
        for _ in 0..REQUESTS {
            let request = worker.receive_where(|frames| is(frames, "W", "2"));
            worker.send(frames!["W", "3", &request[2], "", &request[5], "0", &request[6], "{}"]);
        }
        worker
    });
    let client = Raw::dealer(broker.endpoint(), "client");

    for number in 0..REQUESTS {
        if number >= 100 {
            client.receive_where(|frames| is(frames, "C", "3"));
        }
        client.send(frames!["C", "2", "echo", number.to_string().as_str(), "1", "{}"]);
    }

    working.join().expect("all requests arrived");
}
