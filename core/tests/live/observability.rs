//! Events and counters.

use std::time::Duration;

use pigato::broker::{Event, Loss, Violation};
use pigato::{Broker, Client, PeerEvent, Worker};

use crate::frames;
use crate::support::events::recorder;
use crate::support::raw::{is, Raw};
use crate::support::serve::{broker, serve, serve_echo, ANY_PORT};
use crate::support::wait::{eventually, finishes, within};

#[test]
fn clients_and_workers_emit_events_of_their_connections() {
    let broker = broker();
    let (client_sender, mut client_events) = recorder();
    let (worker_sender, mut worker_events) = recorder();
    let client = Client::builder(broker.endpoint()).on_event(move |event| client_sender.send(event)).start().unwrap();
    let worker =
        Worker::builder(broker.endpoint(), "echo").on_event(move |event| worker_sender.send(event)).start().unwrap();
    for events in [&mut client_events, &mut worker_events] {
        events.wait_for("connect", |event| *event == PeerEvent::Connected);
    }
    assert!(client.is_connected() && worker.is_connected());

    within("the client stops", client.stop());
    within("the worker stops", worker.stop());

    assert!(!client.is_connected() && !worker.is_connected());
    for events in [client_events.all(), worker_events.all()] {
        assert_eq!(events, [PeerEvent::Started, PeerEvent::Connected, PeerEvent::Disconnected, PeerEvent::Stopped]);
    }
}

#[test]
fn a_client_reports_replies_to_unknown_requests() {
    let (router, endpoint) = Raw::router();
    let (sender, mut events) = recorder();
    let _client = Client::builder(&endpoint).on_event(move |event| sender.send(event)).start().unwrap();
    let hello = router.receive();
    assert!(is(&hello[1..].to_vec(), "C", "4"));
    router.send(frames![&hello[0], "C", "3", "", "unknown", "0", "1", "{}"]);
    let event = events.wait_for("protocol error", |event| matches!(event, PeerEvent::ProtocolError(_)));
    assert_eq!(*event, PeerEvent::ProtocolError(pigato::protocol::Malformed::RequestId));
}

#[test]
fn the_broker_reports_peers_that_register_leave_and_violate_the_protocol() {
    let (sender, mut events) = recorder();
    let broker =
        Broker::builder().bind(ANY_PORT).intch(None).on_event(move |event| sender.send(event.clone())).start().unwrap();
    let worker = Worker::builder(broker.endpoint(), "echo").prefix("known").start().unwrap();
    let joined = events.wait_for("arrival", |event| matches!(event, Event::WorkerJoined { .. }));
    assert!(
        matches!(joined, Event::WorkerJoined { worker, service }
            if worker.to_text().starts_with("known-") && service.as_bytes() == b"echo"),
        "{joined:?}"
    );
    within("the worker stops", worker.stop());
    let left = events.wait_for("departure", |event| matches!(event, Event::WorkerLeft { .. }));
    assert!(matches!(left, Event::WorkerLeft { reason: Loss::Disconnected, .. }), "{left:?}");

    let stranger = Raw::dealer(broker.endpoint(), "stranger");
    stranger.send(frames!["W", "4", "", "{}"]);
    let error = events.wait_for("error", |event| matches!(event, Event::ProtocolError { .. }));
    assert!(
        matches!(error, Event::ProtocolError { peer, error: Violation::UnknownWorker } if peer.as_bytes() == b"stranger"),
        "{error:?}"
    );
    within("the broker stops", broker.stop());
    assert_eq!(events.all().last(), Some(&Event::Drained));
}

#[test]
fn the_broker_reports_a_silent_client() {
    let (sender, mut events) = recorder();
    let broker = Broker::builder()
        .bind(ANY_PORT)
        .intch(None)
        .heartbeat(Duration::from_millis(50))
        .on_event(move |event| sender.send(event.clone()))
        .start()
        .unwrap();
    let client = Raw::dealer(broker.endpoint(), "quiet");
    client.send(frames!["C", "4", r#"{"v":1,"caps":[],"heartbeat":50}"#]);
    client.send(frames!["C", "2", "nobody", "rid", "null", "{}"]);
    let left = events.wait_for("departure", |event| matches!(event, Event::ClientLeft { .. }));
    assert!(matches!(left, Event::ClientLeft { reason: Loss::Silent, .. }), "{left:?}");
    let statistics = broker.statistics().unwrap();
    assert_eq!((statistics.clients, statistics.queued, statistics.cancelled), (0, 0, 1));
}

#[test]
fn the_counters_match_the_traffic() {
    let broker = broker();
    let _echo = serve_echo(broker.endpoint(), "echo");
    let _stream = serve(Worker::builder(broker.endpoint(), "stream"), |_, reply| {
        (0..5).try_for_each(|number| reply.write_blocking(&number))?;
        Ok(5)
    });
    let client = Client::connect(broker.endpoint()).unwrap();
    for number in 0..7_u8 {
        assert_eq!(within("the reply", client.call::<_, u8>("echo", &number)).unwrap(), number);
    }
    assert_eq!(within("the reply", client.call::<_, u8>("stream", &())).unwrap(), 5);
    let expired = client.request("nobody", &"data").timeout(Duration::from_millis(20)).send();
    within("the outcome", expired).unwrap_err();

    let statistics = eventually("the request left the queue", || {
        let statistics = broker.statistics().unwrap();
        (statistics.queued == 0).then_some(statistics)
    });
    assert_eq!((statistics.requests, statistics.dispatches, statistics.replies), (9, 8, 8));
    assert_eq!(statistics.partial_replies, 5);
    assert_eq!(statistics.expired + statistics.cancelled, 1);
    assert_eq!((statistics.workers, statistics.clients, statistics.request_bytes), (2, 1, 0));
    assert_eq!((statistics.errors, statistics.rejects, statistics.retries, statistics.protocol_errors), (0, 0, 0, 0));
}

#[test]
fn a_listener_that_panics_affects_nothing_else() {
    let broker = broker();
    let _echo = serve_echo(broker.endpoint(), "echo");
    let client = Client::builder(broker.endpoint()).on_event(|_| panic!("on purpose")).start().unwrap();
    let answer: u32 = client.call_blocking("echo", &7).unwrap();
    assert_eq!(answer, 7);
}

#[test]
fn no_event_follows_the_end_of_a_drain() {
    let (sender, mut recorder) = recorder();
    let broker =
        Broker::builder().bind(ANY_PORT).intch(None).on_event(move |event| sender.send(event.clone())).start().unwrap();
    let worker = Raw::dealer(broker.endpoint(), "worker");
    worker.send(frames!["W", "1", "echo"]);
    let client = Raw::dealer(broker.endpoint(), "client");
    client.send(frames!["C", "2", "nobody", "r1", "1", "{}"]);
    client.send(frames!["C", "2", "echo", "r2", "1", "{}"]);
    let request = worker.receive_where(|frames| is(frames, "W", "2"));
    let stopping = std::thread::spawn(move || broker.stop_blocking());
    // The drain refuses the waiting requests when it starts.
    client.receive_where(|frames| is(frames, "C", "3"));

    worker.send(frames!["W", "4", "", "{}"]);
    worker.send(frames!["W", "3", &request[2], "", &request[5], "0", "1", "{}"]);
    (0..20).for_each(|_| worker.send(frames!["W", "4", "", "{}"]));

    finishes("stopping", move || stopping.join().expect("no panic"));
    assert_eq!(recorder.all().last(), Some(&Event::Drained));
}
