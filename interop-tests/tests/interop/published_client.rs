//! Published client with our broker and our worker.

use pigato::Worker;
use pigato_interop::peer::Peer;
use serde_json::json;

use crate::helpers::own_worker;
use crate::serve::{broker, serve};
use crate::wait::eventually;

#[test]
fn data_of_every_kind_is_echoed() {
    let broker = broker();
    let _worker = own_worker(broker.endpoint(), "echo");
    let mut client = Peer::published_client(broker.endpoint());
    for value in [json!(null), json!(false), json!(-1.5), json!(""), json!("ü€𝄞"), json!([]), json!({"a": {"b": [1]}})]
    {
        assert_eq!(client.call("echo", &json!({"do": "echo", "value": value})), Ok(value));
    }
    // Missing data is `undefined` on the wire.
    client.send(&json!({"op": "request", "tag": "nothing", "service": "echo"}));
    assert_eq!(client.outcome("nothing"), Ok(json!(null)));
}

#[test]
fn options_reach_our_worker() {
    let broker = broker();
    let _worker = own_worker(broker.endpoint(), "echo");
    let mut client = Peer::published_client(broker.endpoint());
    client.request("opts", "echo", &json!({"do": "opts"}), &json!({"timeout": 12_345, "colour": "blue"}));
    assert_eq!(client.outcome("opts"), Ok(json!({"timeout": 12_345, "colour": "blue", "retry": 0})));
}

#[test]
fn partial_replies_arrive_in_order() {
    let broker = broker();
    let _worker = own_worker(broker.endpoint(), "echo");
    let mut client = Peer::published_client(broker.endpoint());
    client.request("stream", "echo", &json!({"do": "partials", "count": 5_000}), &json!({}));
    assert_eq!(client.outcome("stream"), Ok(json!(5_000)));
    assert_eq!(client.partials("stream"), (0..5_000).map(|number| json!(number)).collect::<Vec<_>>());
}

#[test]
fn errors_of_our_worker_reach_the_callback() {
    let broker = broker();
    let _worker = own_worker(broker.endpoint(), "echo");
    let mut client = Peer::published_client(broker.endpoint());
    assert_eq!(
        client.call("echo", &json!({"do": "error", "value": {"why": "because"}})),
        Err(json!({"why": "because"}))
    );
    let thrown = client.call("echo", &json!({"do": "throw", "value": "no such row"}));
    assert_eq!(thrown, Err(json!({"code": "W_HANDLER", "message": "no such row"})));
    assert_eq!(client.call("echo", &json!("still there")), Ok(json!("still there")));
}

#[test]
fn a_request_that_one_worker_rejects_goes_to_the_other() {
    let broker = broker();
    let unwilling = Worker::builder(broker.endpoint(), "echo");
    let _unwilling = serve(unwilling, |_, reply| Ok(reply.reject("not mine")?));
    let _willing = own_worker(broker.endpoint(), "echo");
    let mut client = Peer::published_client(broker.endpoint());
    for number in 0..50 {
        assert_eq!(client.call("echo", &json!(number)), Ok(json!(number)));
    }
    assert!(broker.statistics().unwrap().rejects > 0, "no worker rejected the request");
}

#[test]
fn a_request_without_worker_times_out_on_both_sides() {
    let broker = broker();
    let mut client = Peer::published("client", broker.endpoint()).conf(&json!({"heartbeat": 200})).start().ready();
    client.request("lost", "nobody", &json!(1), &json!({"timeout": 500}));
    assert_eq!(client.outcome("lost"), Err(json!("C_TIMEOUT")));
    let expired = eventually("the broker forgets it", || {
        let statistics = broker.statistics().unwrap();
        (statistics.queued == 0).then_some(statistics.expired)
    });
    assert_eq!(expired, 1);
}

#[test]
fn ten_thousand_concurrent_requests_are_answered() {
    let broker = broker();
    let _worker = own_worker(broker.endpoint(), "echo");
    let mut client = Peer::published_client(broker.endpoint());
    let opts = json!({"timeout": 300_000});
    client.send(&json!({"op": "flood", "tag": "flood", "service": "echo", "count": 10_000, "opts": opts}));
    let flooded = client.wait_for("end of the flood", |event| event["event"] == "flooded");
    assert_eq!((&flooded["ok"], &flooded["failed"]), (&json!(10_000), &json!(0)), "{flooded}");
    let statistics = broker.statistics().unwrap();
    assert_eq!((statistics.replies, statistics.in_flight, statistics.queued), (10_000, 0, 0));
}
