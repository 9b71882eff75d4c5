//! Directory services with the other implementation's broker.

use pigato::services::Directory;
use pigato::{Broker, Client};
use pigato_interop::peer::Peer;
use serde_json::json;

use crate::helpers::{own_worker, wait_for_workers};
use crate::serve::ANY_PORT;
use crate::wait::{eventually, within};

#[test]
fn the_published_directory_works_with_our_broker() {
    let broker = Broker::builder().bind(ANY_PORT).intch(Some(ANY_PORT)).start().unwrap();
    let _worker = own_worker(broker.endpoint(), "echo");
    let client = Client::connect(broker.endpoint()).unwrap();
    let by_broker = within("the reply", client.directory(Some("echo"))).unwrap();
    assert_eq!(by_broker.as_array().map(Vec::len), Some(1));

    let intch = broker.intch().unwrap().to_owned();
    let mut directory = Peer::published("directory", broker.endpoint()).option("intch", intch).start().ready();
    // It subscribes at about the time it registers, and receives the current directory in either
    // order.
    directory.wait_for("map with the worker", |event| event["event"] == "map" && event["map"]["echo"] == by_broker);
    let dispatches = broker.statistics().unwrap().dispatches;
    assert_eq!(within("the reply", client.directory(Some("echo"))).unwrap(), by_broker);
    assert_eq!(broker.statistics().unwrap().dispatches, dispatches + 1, "the broker answered in its place");

    // It receives changes.
    let _other = own_worker(broker.endpoint(), "other");
    directory.wait_for_next("map with the other", |event| {
        event["event"] == "map" && event["map"]["other"].as_array().map(Vec::len) == Some(1)
    });

    directory.stop();
    wait_for_workers(&broker, 2);
    assert_eq!(within("the reply", client.directory(Some("echo"))).unwrap(), by_broker);
    assert_eq!(broker.statistics().unwrap().dispatches, dispatches + 1, "the broker answers again");
}

#[test]
fn our_directory_works_with_the_published_broker() {
    let mut broker = Peer::published_broker();
    let (endpoint, intch) = (broker.fact("endpoint"), broker.fact("intch"));
    let directory = Directory::start(&endpoint, &intch).unwrap();
    let _worker = own_worker(&endpoint, "echo");
    broker.send(&json!({"op": "state", "tag": "workers"}));
    let state = broker.wait_for("state", |event| event["tag"] == "workers");
    let expected = &state["services"]["echo"]["workers"];
    assert_eq!(expected.as_array().map(Vec::len), Some(1), "{state}");

    let client = Client::connect(&endpoint).unwrap();
    let mut published = Peer::published_client(&endpoint);
    eventually("it knows the worker", || {
        (within("the reply", client.directory(Some("echo"))).unwrap() == *expected).then_some(())
    });
    assert_eq!(published.call("$dir", &json!("echo")).as_ref(), Ok(expected));
    assert_eq!(published.call("$dir", &json!("unknown")), Ok(json!([])));
    within("the directory stops", directory.stop());
}
