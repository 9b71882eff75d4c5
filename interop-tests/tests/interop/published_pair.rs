//! Published client and published worker with our broker.

use pigato_interop::peer::Peer;
use serde_json::json;

use crate::helpers::wait_for_workers;
use crate::serve::{broker, broker_at};
use crate::wait::within;

#[test]
fn requests_partials_and_errors_pass_through_our_broker() {
    let broker = broker();
    let _worker = Peer::published_worker(broker.endpoint(), "echo");
    let mut client = Peer::published_client(broker.endpoint());

    assert_eq!(client.call("echo", &json!({"nested": [1, "zwei", null]})), Ok(json!({"nested": [1, "zwei", null]})));
    assert_eq!(client.call("echo", &json!({"do": "opts"})), Ok(json!({"timeout": 60_000, "retry": 0})));
    assert_eq!(client.call("echo", &json!({"do": "error", "value": {"code": 7}})), Err(json!({"code": 7})));

    client.request("stream", "echo", &json!({"do": "partials", "count": 2_000}), &json!({}));
    assert_eq!(client.outcome("stream"), Ok(json!(2_000)));
    assert_eq!(client.partials("stream"), (0..2_000).map(|number| json!(number)).collect::<Vec<_>>());
    assert_eq!(broker.statistics().unwrap().protocol_errors, 0);
}

#[test]
fn a_rejected_request_goes_to_the_other_worker() {
    let broker = broker();
    let mut unwilling = Peer::published_worker(broker.endpoint(), "echo");
    unwilling.send(&json!({"op": "reject", "value": true}));
    let mut client = Peer::published_client(broker.endpoint());
    client.request("first", "echo", &json!("anyone?"), &json!({}));
    // The only worker rejects the request, so it waits for another.
    crate::wait::eventually("the reject", || (broker.statistics().unwrap().rejects == 1).then_some(()));

    let _willing = Peer::published_worker(broker.endpoint(), "echo");

    assert_eq!(client.outcome("first"), Ok(json!("anyone?")));
    for number in 0..20 {
        assert_eq!(client.call("echo", &json!(number)), Ok(json!(number)));
    }
}

#[test]
fn a_thousand_concurrent_requests_are_answered() {
    let broker = broker();
    let _workers =
        [Peer::published_worker(broker.endpoint(), "echo"), Peer::published_worker(broker.endpoint(), "echo")];
    let mut client = Peer::published_client(broker.endpoint());
    client.send(&json!({"op": "flood", "tag": "flood", "service": "echo", "count": 1_000}));
    let flooded = client.wait_for("end of the flood", |event| event["event"] == "flooded");
    assert_eq!((&flooded["ok"], &flooded["failed"]), (&json!(1_000), &json!(0)), "{flooded}");
}

#[test]
fn published_peers_reconnect_to_our_next_broker() {
    let broker = broker();
    let endpoint = broker.endpoint().to_owned();
    let conf = json!({"heartbeat": 300, "reconnect": 100});
    let mut worker = Peer::published("worker", &endpoint).option("service", "echo").conf(&conf).start().ready();
    let mut client = Peer::published("client", &endpoint).conf(&conf).start().ready();
    assert_eq!(client.call("echo", &json!(1)), Ok(json!(1)));

    within("the broker stops", broker.stop());
    worker.wait_for("disconnect", |event| event["event"] == "disconnect");
    let next = broker_at(&endpoint);

    worker.wait_for_next("connect", |event| event["event"] == "connect");
    wait_for_workers(&next, 1);
    assert_eq!(client.call("echo", &json!(2)), Ok(json!(2)));
}
