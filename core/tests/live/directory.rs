//! `$dir`: which worker serves which name.

use pigato::services::Directory;
use pigato::{Broker, Client, Worker};
use serde_json::{json, Map, Value};

use crate::frames;
use crate::support::raw::{text, Raw};
use crate::support::serve::ANY_PORT;
use crate::support::wait::{eventually, within};

fn broker() -> Broker {
    Broker::builder().bind(ANY_PORT).intch(Some(ANY_PORT)).start().unwrap()
}

/// Waits for a publication in which a service has this number of workers.
fn published(subscriber: &Raw, service: &str, workers: usize) -> Map<String, Value> {
    let has_them = |map: &Map<String, Value>| map.get(service).and_then(Value::as_array).map_or(0, Vec::len) == workers;
    let mut last = None;
    subscriber.receive_where(|frames| {
        assert_eq!(frames.len(), 1);
        let json = frames[0].strip_prefix(b"$dir ").expect("the topic and a space");
        let map: Map<String, Value> = serde_json::from_slice(json).expect("an object");
        let is_current = has_them(&map);
        last = is_current.then_some(map);
        is_current
    });
    last.expect("the one that was accepted")
}

#[test]
fn the_broker_answers_without_a_directory_worker() {
    let broker = broker();
    let _first = Worker::builder(broker.endpoint(), "echo").prefix("one").start().unwrap();
    let _second = Worker::builder(broker.endpoint(), "ech*").prefix("two").start().unwrap();
    let client = Client::connect(broker.endpoint()).unwrap();
    eventually("both are there", || (broker.statistics().unwrap().workers == 2).then_some(()));

    let all = within("the reply", client.directory(None)).unwrap();
    assert_eq!(all.as_object().unwrap().keys().collect::<Vec<_>>(), ["ech*", "echo"]);
    assert_eq!(broker.directory().unwrap(), *all.as_object().unwrap());
    let echo = within("the reply", client.directory(Some("echo"))).unwrap();
    assert!(echo[0].as_str().unwrap().starts_with("one-"), "{echo}");
    assert_eq!(within("the reply", client.directory(Some("unknown"))).unwrap(), json!([]));
}

#[test]
fn every_change_is_published() {
    let broker = broker();
    let subscriber = Raw::subscriber(broker.intch().unwrap(), "$dir ");
    let worker = Worker::connect(broker.endpoint(), "echo").unwrap();
    published(&subscriber, "echo", 1);
    let second = Worker::connect(broker.endpoint(), "echo").unwrap();
    let map = published(&subscriber, "echo", 2);
    assert_eq!(map, broker.directory().unwrap());
    within("the worker stops", worker.stop());
    published(&subscriber, "echo", 1);
    within("the worker stops", second.stop());
    published(&subscriber, "echo", 0);
}

#[test]
fn a_late_subscriber_receives_the_current_state_at_once() {
    let broker = broker();
    let _worker = Worker::connect(broker.endpoint(), "echo").unwrap();
    eventually("the worker is there", || (broker.statistics().unwrap().workers == 1).then_some(()));
    for _ in 0..20 {
        let late = Raw::subscriber(broker.intch().unwrap(), "$dir ");
        published(&late, "echo", 1);
    }
}

#[test]
fn a_core_service_can_request_a_publication() {
    let broker = broker();
    let subscriber = Raw::subscriber(broker.intch().unwrap(), "$dir ");
    let service = Raw::dealer(broker.endpoint(), "core");
    service.send(frames!["W", "1", "$core"]);
    assert_eq!(text(&service.receive()), ["W", "1"]);
    published(&subscriber, "$core", 1);
    for _ in 0..3 {
        service.send(frames!["W", "4", "", r#"{"concurrency":1,"update":1}"#]);
        published(&subscriber, "$core", 1);
    }
}

#[test]
fn a_directory_worker_replaces_the_brokers_answers_until_it_leaves() {
    let broker = broker();
    let _worker = Worker::builder(broker.endpoint(), "echo").prefix("one").start().unwrap();
    let client = Client::connect(broker.endpoint()).unwrap();
    eventually("the worker is there", || (broker.statistics().unwrap().workers == 1).then_some(()));
    let by_broker = within("the reply", client.directory(Some("echo"))).unwrap();
    assert_eq!(broker.statistics().unwrap().dispatches, 0);

    let directory = Directory::start(broker.endpoint(), broker.intch().unwrap()).unwrap();
    eventually("it is registered", || broker.directory().unwrap().contains_key("$dir").then_some(()));
    eventually("it knows all workers", || {
        let by_service = within("the reply", client.directory(Some("echo"))).unwrap();
        (by_service == by_broker).then_some(())
    });
    assert!(broker.statistics().unwrap().dispatches > 0, "the broker answered instead of the directory worker");
    eventually("it knows itself", || {
        let all = within("the reply", client.directory(None)).unwrap();
        (all.as_object().unwrap().keys().collect::<Vec<_>>() == ["$dir", "echo"]).then_some(())
    });
    let dispatches = broker.statistics().unwrap().dispatches;

    within("the directory stops", directory.stop());
    eventually("it has left", || (!broker.directory().unwrap().contains_key("$dir")).then_some(()));
    assert_eq!(within("the reply", client.directory(Some("echo"))).unwrap(), by_broker);
    assert_eq!(broker.statistics().unwrap().dispatches, dispatches, "the broker answers again");
}
