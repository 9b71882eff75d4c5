//! Workers of other implementations: the published forms, Ruby's, and version 1 frame by frame.

use std::time::{Duration, Instant};

use pigato::broker::{Event, Loss};
use pigato::{Broker, Client, ErrorCode};
use serde_json::{json, Value};

use crate::frames;
use crate::support::events::recorder;
use crate::support::raw::{is, text, Raw};
use crate::support::serve::{broker, remote, ANY_PORT};
use crate::support::wait::{eventually, within};

fn ready(endpoint: &str, identity: &str, service: &str) -> Raw {
    let worker = Raw::dealer(endpoint, identity);
    worker.send(frames!["W", "1", service]);
    assert_eq!(text(&worker.receive()), ["W", "1"]);
    worker
}

fn next_request(worker: &Raw) -> Vec<Vec<u8>> {
    worker.receive_where(|frames| is(frames, "W", "2"))
}

#[test]
fn a_published_worker_receives_exactly_the_published_frames() {
    let broker = broker();
    let worker = ready(broker.endpoint(), "published", "work");
    worker.send(frames!["W", "4", "", r#"{"concurrency":100}"#]);
    assert_eq!(text(&worker.receive()), ["W", "4"]);
    let client = Client::connect(broker.endpoint()).unwrap();
    let mut response = client.request("work", &json!({"a": 1})).send();

    let request = next_request(&worker);
    assert_eq!(request.len(), 8, "{:?}", text(&request));
    assert_eq!(text(&request)[3..5], ["work", ""]);
    assert_eq!(request[6], br#"{"a":1}"#);
    let (client_id, rid) = (&request[2], &request[5]);
    worker.send(frames!["W", "6", client_id, "", rid, "0", "1", "{}"]);
    worker.send(frames!["W", "3", client_id, "", rid, "0", "\"done\"", "{}"]);

    let partial = within("a reply", response.next()).unwrap().unwrap();
    assert!(!partial.is_final() && partial.json().unwrap() == 1);
    assert_eq!(within("the reply", response).unwrap().json().unwrap(), "done");
}

#[test]
fn errors_and_rejects_of_published_workers_are_accepted() {
    let broker = broker();
    let worker = ready(broker.endpoint(), "published", "work");
    let client = Client::connect(broker.endpoint()).unwrap();
    for (data, expected) in [("\"bad\"", json!("bad")), ("undefined", Value::Null)] {
        let response = client.request("work", &()).send();
        let request = next_request(&worker);
        worker.send(frames!["W", "3", &request[2], "", &request[5], "-1", data, "undefined"]);
        let error = within("the outcome", response).unwrap_err();
        assert_eq!(remote(error).value(), expected);
    }

    let rejected = client.request("work", &()).fail_fast().send();
    let request = next_request(&worker);
    worker.send(frames!["W", "7", &request[2], "", &request[5], "0", "undefined", "undefined"]);
    assert_eq!(within("the outcome", rejected).unwrap_err().code(), Some(ErrorCode::Rejected));
}

#[test]
fn an_error_sent_as_a_partial_reply_does_not_end_the_request() {
    let broker = broker();
    let worker = ready(broker.endpoint(), "published", "work");
    let client = Client::connect(broker.endpoint()).unwrap();
    let answer = || {
        let request = next_request(&worker);
        worker.send(frames!["W", "6", &request[2], "", &request[5], "-1", "\"odd\"", "{}"]);
        worker.send(frames!["W", "3", &request[2], "", &request[5], "0", "\"done\"", "{}"]);
    };
    let mut response = client.request("work", &()).send();
    answer();
    let error = within("the partial error", response.next()).unwrap().unwrap_err();
    assert!(!error.is_final() && remote(error).value() == json!("odd"));
    assert_eq!(within("the reply", response).unwrap().json().unwrap(), "done");

    let response = client.request("work", &()).send();
    answer();
    assert_eq!(within("the reply", response.finish()).unwrap().json().unwrap(), "done");
}

#[test]
fn rubys_replies_without_options_are_forwarded() {
    let broker = broker();
    let worker = ready(broker.endpoint(), "5f0c7b52-6a49-4d4e-9e8a-5a8fd3d4b5a1", "ruby");
    let client = Client::connect(broker.endpoint()).unwrap();
    let response = client.request("ruby", &"ping").send();
    let request = next_request(&worker);
    worker.send(frames!["W", "3", &request[2], "", &request[5], "0", "\"pong\""]);
    let reply = within("the reply", response).unwrap();
    assert_eq!((reply.json().unwrap(), reply.options()), (json!("pong"), json!({})));
}

#[test]
fn another_peer_can_report_that_a_busy_worker_is_alive() {
    const HEARTBEAT: Duration = Duration::from_millis(400);
    let (sender, mut events) = recorder();
    let broker = Broker::builder()
        .bind(ANY_PORT)
        .intch(None)
        .heartbeat(HEARTBEAT)
        .on_event(move |event| sender.send((Instant::now(), event.clone())))
        .start()
        .unwrap();
    let identity = "6c5e8f1e-8a8a-4a3f-b0fb-1d1f9d0f6a11";
    let worker = ready(broker.endpoint(), identity, "ruby");
    let reporter = Raw::dealer(broker.endpoint(), "reporter");

    // Several times as long as the liveness timeout.
    let until = Instant::now() + HEARTBEAT * 10;
    while Instant::now() < until {
        reporter.send(frames!["C", "4", "worker", identity]);
        // The worker receives the broker's heartbeats and does not answer.
        worker.receive_within(HEARTBEAT / 4);
    }
    let last_report = Instant::now();

    let is_gone = |(_, event): &(Instant, Event)| matches!(event, Event::WorkerLeft { reason: Loss::Silent, .. });
    let (gone, _) = events.wait_for("loss of the worker", is_gone);
    assert!(*gone > last_report, "the worker was lost while another peer reported it alive");
}

#[test]
fn a_silent_worker_receives_a_disconnect_and_its_requests_fail() {
    const HEARTBEAT: Duration = Duration::from_millis(100);
    let broker = Broker::builder().bind(ANY_PORT).intch(None).heartbeat(HEARTBEAT).start().unwrap();
    let worker = ready(broker.endpoint(), "mute", "work");
    let client = Client::connect(broker.endpoint()).unwrap();
    let response = client.request("work", &()).send();
    next_request(&worker);

    let disconnect = worker.receive_where(|frames| !is(frames, "W", "4"));

    assert_eq!(text(&disconnect), ["W", "5"]);
    assert_eq!(within("the outcome", response).unwrap_err().code(), Some(ErrorCode::WorkerLost));
    assert_eq!(broker.statistics().unwrap().workers, 0);
}

#[test]
fn version_1_workers_receive_metadata_cancels_and_credit() {
    let broker = broker();
    let worker = Raw::dealer(broker.endpoint(), "v1");
    let hello = r#"{"v":1,"caps":["cancel","credit","codec"],"heartbeat":2500,"concurrency":7}"#;
    worker.send(frames!["W", "1", "work", hello]);
    let answer = text(&worker.receive());
    assert_eq!(answer[..2], ["W", "1"]);
    let announced: Value = serde_json::from_str(&answer[2]).unwrap();
    assert_eq!((&announced["v"], &announced["caps"]), (&json!(1), &json!(["cancel", "credit", "codec"])));

    let client = Raw::dealer(broker.endpoint(), "client");
    client.send(frames!["C", "4", r#"{"v":1,"caps":["cancel","credit"],"heartbeat":2500,"credit":3}"#]);
    client.receive_where(|frames| is(frames, "C", "4"));
    client.send(frames!["C", "2", "work", "rid", "null", r#"{"timeout":50000}"#]);
    let request = next_request(&worker);
    assert_eq!(request.len(), 9, "{:?}", text(&request));
    let metadata: Value = serde_json::from_slice(&request[8]).unwrap();
    assert_eq!((&metadata["attempt"], &metadata["credit"]), (&json!(1), &json!(3)));
    assert!(metadata["remaining"].as_i64().is_some_and(|millis| (1..=50_000).contains(&millis)), "{metadata}");

    client.send(frames!["C", "9", "", "rid", "5"]);
    assert_eq!(text(&worker.receive()), ["W", "9", "client", "", "rid", "5"]);
    client.send(frames!["C", "4", "request", "rid"]);
    assert_eq!(text(&worker.receive()), ["W", "4", "client", "", "rid"]);
    client.send(frames!["C", "8", "", "rid"]);
    assert_eq!(text(&worker.receive()), ["W", "8", "client", "", "rid"]);

    // The reply and the cancel crossed: the reply is dropped and is no protocol error.
    worker.send(frames!["W", "3", "client", "", "rid", "0", "1", "{}"]);
    eventually("it is counted", || (broker.statistics().unwrap().late_replies == 1).then_some(()));
    assert_eq!(broker.statistics().unwrap().workers, 1);
}

#[test]
fn a_published_worker_receives_no_version_1_messages() {
    let broker = broker();
    let worker = ready(broker.endpoint(), "published", "work");
    let client = Raw::dealer(broker.endpoint(), "client");
    client.send(frames!["C", "4", r#"{"v":1,"caps":["cancel","credit"],"heartbeat":2500,"credit":3}"#]);
    client.send(frames!["C", "2", "work", "rid", "null", "{}"]);
    assert_eq!(next_request(&worker).len(), 8);
    client.send(frames!["C", "9", "", "rid", "5"]);
    client.send(frames!["C", "8", "", "rid"]);
    client.send(frames!["C", "2", "work", "next", "null", "{}"]);
    // Neither credit nor a cancel arrived in between.
    assert_eq!(text(&worker.receive())[5], "next");
}

#[test]
fn a_worker_that_violates_the_protocol_receives_one_disconnect() {
    let broker = broker();
    let worker = ready(broker.endpoint(), "wrong", "work");
    for _ in 0..3 {
        worker.send(frames!["W", "3", "nobody", "", "no-such-rid", "0", "1", "{}"]);
    }
    assert_eq!(text(&worker.receive()), ["W", "5"]);
    eventually("all are counted", || (broker.statistics().unwrap().protocol_errors == 3).then_some(()));
    // The next message answers a new announcement; it is not another disconnect.
    worker.send(frames!["W", "1", "work"]);
    assert_eq!(text(&worker.receive()), ["W", "1"]);
}

#[test]
fn a_worker_that_sends_a_disconnect_is_gone_at_once() {
    let broker = broker();
    let worker = ready(broker.endpoint(), "polite", "work");
    worker.send(frames!["W", "5"]);
    assert_eq!(text(&worker.receive()), ["W", "5"]);
    assert_eq!(broker.statistics().unwrap().workers, 0);
}

#[test]
fn a_raised_concurrency_dispatches_queued_requests() {
    let broker = broker();
    let worker = ready(broker.endpoint(), "growing", "work");
    worker.send(frames!["W", "4", "", r#"{"concurrency":1}"#]);
    worker.receive_where(|frames| is(frames, "W", "4"));
    let client = Client::connect(broker.endpoint()).unwrap();
    let _responses: Vec<_> = (0..5).map(|number| client.request("work", &number).send()).collect();
    next_request(&worker);
    eventually("the others wait", || (broker.statistics().unwrap().queued == 4).then_some(()));

    worker.send(frames!["W", "4", "", r#"{"concurrency":3}"#]);
    next_request(&worker);
    next_request(&worker);
    assert_eq!(broker.statistics().unwrap().in_flight, 3);

    worker.send(frames!["W", "4", "", r#"{"concurrency":-1}"#]);
    next_request(&worker);
    next_request(&worker);
    assert_eq!(broker.statistics().unwrap().queued, 0);
}
