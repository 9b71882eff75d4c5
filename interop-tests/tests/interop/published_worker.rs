//! Published worker with our client and our broker.

use pigato::{Client, ErrorCode};
use pigato_interop::peer::Peer;
use serde_json::{json, Value};

use crate::helpers::{call, collect, wait_for_workers};
use crate::serve::{broker, remote};
use crate::wait::{eventually, within};

#[test]
fn data_of_every_kind_is_echoed() {
    let broker = broker();
    let _worker = Peer::published_worker(broker.endpoint(), "echo");
    let client = Client::connect(broker.endpoint()).unwrap();
    for value in [json!(null), json!(false), json!(-1.5), json!(""), json!("ü€𝄞"), json!([]), json!({"a": {"b": [1]}})]
    {
        assert_eq!(call(&client, "echo", &json!({"do": "echo", "value": value})), value);
    }
}

#[test]
fn partial_replies_arrive_in_order() {
    let broker = broker();
    let _worker = Peer::published_worker(broker.endpoint(), "echo");
    let client = Client::connect(broker.endpoint()).unwrap();
    let replies = collect(client.request("echo", &json!({"do": "partials", "count": 5_000})).send());
    assert_eq!(replies, (0..=5_000).map(|number| json!(number)).collect::<Vec<_>>());
}

#[test]
fn errors_with_undefined_options_are_accepted() {
    let broker = broker();
    let _worker = Peer::published_worker(broker.endpoint(), "echo");
    let client = Client::connect(broker.endpoint()).unwrap();
    // Without a value the data frame is also the text `undefined`.
    for (data, expected) in
        [(json!({"do": "error", "value": {"code": 7}}), json!({"code": 7})), (json!({"do": "error"}), Value::Null)]
    {
        let error = within("the outcome", client.request("echo", &data).send()).unwrap_err();
        assert_eq!(remote(error).value(), expected);
    }
    assert_eq!(call(&client, "echo", &json!("still there")), "still there");
    assert_eq!(broker.statistics().unwrap().protocol_errors, 0);
}

#[test]
fn a_request_that_one_worker_rejects_goes_to_the_other() {
    let broker = broker();
    let mut unwilling = Peer::published_worker(broker.endpoint(), "echo");
    unwilling.send(&json!({"op": "reject", "value": true}));
    let client = Client::connect(broker.endpoint()).unwrap();
    let refused = client.request("echo", &1).fail_fast().send();
    assert_eq!(within("the outcome", refused).unwrap_err().code(), Some(ErrorCode::Rejected));

    let _willing = Peer::published_worker(broker.endpoint(), "echo");
    for number in 0..50 {
        assert_eq!(call(&client, "echo", &json!(number)), number);
    }
}

#[test]
fn a_change_of_concurrency_takes_effect_while_requests_wait() {
    let broker = broker();
    let conf = json!({"heartbeat": 300, "concurrency": 1});
    let mut worker = Peer::published("worker", broker.endpoint())
        .option("service", "slow")
        .conf(&conf)
        .flag("verbose")
        .start()
        .ready();
    let client = Client::connect(broker.endpoint()).unwrap();
    // The heartbeat that announces the concurrency follows the registration; a reply shows that it
    // was read.
    call(&client, "slow", &json!("warm-up"));
    let _responses: Vec<_> = (0..3).map(|_| client.request("slow", &json!({"do": "never"})).send()).collect();
    eventually("two of them wait", || {
        let statistics = broker.statistics().unwrap();
        ((statistics.in_flight, statistics.queued) == (1, 2)).then_some(())
    });

    worker.send(&json!({"op": "concurrency", "value": 3}));

    eventually("all are at the worker", || (broker.statistics().unwrap().in_flight == 3).then_some(()));
    let mut seen = 0;
    worker.wait_for("third request", |event| {
        seen += usize::from(event["event"] == "request" && event["data"]["do"] == "never");
        seen == 3
    });
}

#[test]
fn a_stopped_worker_is_removed_immediately() {
    let broker = broker();
    let worker = Peer::published_worker(broker.endpoint(), "echo");
    let client = Client::connect(broker.endpoint()).unwrap();
    let lost = client.request("echo", &json!({"do": "never"})).send();
    eventually("the request is at the worker", || (broker.statistics().unwrap().in_flight == 1).then_some(()));

    worker.stop();

    assert_eq!(within("the outcome", lost).unwrap_err().code(), Some(ErrorCode::WorkerLost));
    wait_for_workers(&broker, 0);
}

#[test]
fn the_late_reply_of_a_cancelled_request_has_no_effect() {
    let broker = broker();
    let _worker = Peer::published_worker(broker.endpoint(), "echo");
    let client = Client::connect(broker.endpoint()).unwrap();
    let response = client.request("echo", &json!({"do": "sleep", "ms": 500, "value": "late"})).send();
    eventually("the request is at the worker", || (broker.statistics().unwrap().in_flight == 1).then_some(()));

    drop(response);

    eventually("the late reply", || (broker.statistics().unwrap().late_replies == 1).then_some(()));
    assert_eq!(call(&client, "echo", &json!("still there")), "still there");
    let statistics = broker.statistics().unwrap();
    assert_eq!((statistics.workers, statistics.protocol_errors), (1, 0));
}
