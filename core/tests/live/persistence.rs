//! Requests with `persist` survive a restart of the broker.

use std::time::Duration;

use pigato::broker::{Event, StoredRequest};
use pigato::config::BrokerOptions;
use pigato::protocol::{Frame, PeerId, RequestId, ServiceName};
use pigato::{Broker, Client, ErrorCode};

use crate::frames;
use crate::support::events::{recorder, Recorder};
use crate::support::raw::{is, text, Raw};
use crate::support::serve::{serve_echo, ANY_PORT};
use crate::support::wait::{eventually, within};

const PERSIST_AND_RETRY: &str = r#"{"persist":1,"retry":1}"#;

fn broker_with_store(endpoint: &str, kept: Vec<StoredRequest>) -> (Broker, Recorder<Event>) {
    let (sender, events) = recorder();
    let builder = Broker::builder().bind(endpoint).intch(None).restore(kept);
    let broker = builder.on_event(move |event| sender.send(event.clone())).start().unwrap();
    (broker, events)
}

fn stored(client: &str, id: &str) -> StoredRequest {
    let service = ServiceName::new(Frame::from("echo")).unwrap();
    let id = RequestId::new(Frame::from(id)).unwrap();
    StoredRequest::new(PeerId::from_text(client), id, service, Frame::from("1"), Frame::from(PERSIST_AND_RETRY))
}

#[test]
fn a_restarted_broker_answers_requests_of_its_previous_run() {
    let (broker, mut events) = broker_with_store(ANY_PORT, Vec::new());
    let endpoint = broker.endpoint().to_owned();
    let client = Client::builder(&endpoint).reconnect(Duration::from_millis(20)).start().unwrap();
    let response = client.request("echo", "hello").header("persist", true).retry(true).send();
    let kept = match events.wait_for("stored request", |event| matches!(event, Event::Stored(_))) {
        Event::Stored(request) => request.as_ref().clone(),
        other => panic!("{other:?}"),
    };
    broker.stop_within_blocking(Duration::ZERO);
    assert!(!events.all().iter().any(|event| matches!(event, Event::Removed { .. })));

    let (broker, mut events) = broker_with_store(&endpoint, vec![kept.clone()]);
    // The request is stored under the new identity: the client has reconnected and the reply can
    // reach it.
    events.wait_for("rebound request", |event| matches!(event, Event::Stored(at) if at.client != kept.client));
    let _worker = serve_echo(&endpoint, "echo");
    assert_eq!(within("the reply", response).unwrap().decode::<String>().unwrap(), "hello");
    events
        .wait_for("removed request", |event| matches!(event, Event::Removed { client, .. } if *client != kept.client));
    let statistics = broker.statistics().unwrap();
    assert_eq!((statistics.restored, statistics.dispatches), (1, 1));
}

#[test]
fn a_broker_of_a_binding_reads_no_message_before_the_restore() {
    let options = BrokerOptions::default().intch(None);
    let broker = pigato::binding::Broker::start_persistent(&[ANY_PORT.to_owned()], options).unwrap();
    let worker = Raw::dealer(broker.endpoint(), "w1");
    worker.send(frames!["W", "1", "echo"]);
    let client = Raw::dealer(broker.endpoint(), "new");
    client.send(frames!["C", "2", "echo", "r1", "1", PERSIST_AND_RETRY]);
    assert_eq!(worker.receive_within(Duration::from_millis(200)), None);

    broker.restore(vec![stored("old", "r1")]).unwrap();
    let request = worker.receive_where(|frames| is(frames, "W", "2"));
    assert_eq!(text(&request)[5], "r1");
    eventually("the resent request", || (broker.statistics().unwrap().requests == 1).then_some(()));
    worker.send(frames!["W", "3", &request[2], "", "r1", "0", "2", "{}"]);
    assert_eq!(text(&client.receive()), ["C", "3", "", "r1", "0", "2", "{}"]);
    assert_eq!(broker.statistics().unwrap().dispatches, 1);
}

#[test]
fn a_broker_of_a_binding_can_be_stopped_before_the_restore() {
    let options = BrokerOptions::default().intch(None);
    let broker = pigato::binding::Broker::start_persistent(&[ANY_PORT.to_owned()], options).unwrap();
    broker.stop(Duration::ZERO).unwrap();
    let mut events = Vec::new();
    broker.poll(&mut events, 8, Duration::from_secs(10)).unwrap();
    assert_eq!(events, [Event::Drained]);
    assert_eq!(broker.restore(Vec::new()).unwrap_err().code(), ErrorCode::Closed);
}

#[test]
fn a_broker_of_a_binding_refuses_requests_when_its_store_falls_behind() {
    let options = BrokerOptions::default().intch(None);
    let broker = pigato::binding::Broker::start_persistent(&[ANY_PORT.to_owned()], options).unwrap();
    broker.restore(Vec::new()).unwrap();
    let client = Raw::dealer(broker.endpoint(), "c1");
    let ask = |number: usize| client.send(frames!["C", "2", "echo", &number.to_string(), "1", r#"{"persist":1}"#]);
    let sent = pigato::limits::EVENTS + 1_000;
    (0..sent).for_each(ask);
    let refused = text(&client.receive());
    assert_eq!((refused[1].as_str(), refused[5].as_str()), ("3", r#""B_QUEUE_FULL""#));
    eventually("all requests", || (broker.statistics().unwrap().requests == sent as u64).then_some(()));

    let mut events = Vec::new();
    eventually("all events", || {
        broker.poll(&mut events, sent, Duration::from_millis(10)).unwrap();
        (events.len() == broker.statistics().unwrap().queued).then_some(())
    });
    assert!(events.len() >= pigato::limits::EVENTS, "{}", events.len());
    assert!(events.iter().all(|event| matches!(event, Event::Stored(_))));
    assert_eq!(broker.missed_events(), 0);
    events.clear();
    ask(sent);
    eventually("the next request", || {
        broker.poll(&mut events, 8, Duration::from_millis(10)).is_ok_and(|count| count == 1).then_some(())
    });
    assert!(matches!(&events[..], [Event::Stored(_)]));
}
