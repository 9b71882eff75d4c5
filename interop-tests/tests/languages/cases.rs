//! What every pair of languages has to be able to do.

use pigato_interop::peer::{Language, Peer};
use serde_json::json;

use crate::pair::{broker, wait_for_workers, Pair, SERVICE};
use crate::wait::eventually;

pub(crate) fn data_of_every_kind_comes_back(pair: &Pair) {
    let broker = broker();
    let _worker = pair.worker(broker.endpoint());
    let mut client = pair.client(broker.endpoint());
    let kinds = [
        json!(null),
        json!(false),
        json!(-1.5),
        json!(9_007_199_254_740_991_i64),
        json!(""),
        json!("ü€𝄞😀\u{10ffff}"),
        json!("\u{1}\u{1f}\"\\/"),
        json!([]),
        json!({}),
        json!({"a": {"b": [1, [2, {"c": null}]]}}),
    ];
    for value in kinds {
        assert_eq!(client.call(SERVICE, &json!({"do": "echo", "value": value})), Ok(value));
    }
    assert_eq!(client.call(SERVICE, &json!("not an order")), Ok(json!("not an order")));
    assert_eq!(broker.statistics().unwrap().protocol_errors, 0);
}

pub(crate) fn a_thousand_partial_replies_arrive_in_order(pair: &Pair) {
    let broker = broker();
    let _worker = pair.worker(broker.endpoint());
    let mut client = pair.client(broker.endpoint());
    // More than may be on their way without being read.
    for (tag, count) in [("thousand", 1_000), ("more", 5_000)] {
        client.request(tag, SERVICE, &json!({"do": "partials", "count": count}), &json!({}));
        assert_eq!(client.outcome(tag), Ok(json!(count)));
        assert_eq!(client.partials(tag), (0..count).map(|number| json!(number)).collect::<Vec<_>>());
    }
    assert_eq!(broker.statistics().unwrap().partial_replies, 6_000);
}

pub(crate) fn errors_arrive_as_they_were_sent(pair: &Pair) {
    let broker = broker();
    let _worker = pair.worker(broker.endpoint());
    let mut client = pair.client(broker.endpoint());
    for value in [json!("plain"), json!({"why": ["because", 7]})] {
        assert_eq!(client.call(SERVICE, &json!({"do": "error", "value": value})), Err(value));
    }
    // The published worker sends nothing when its handler throws.
    if pair.worker != Language::Published {
        let failed = client.call(SERVICE, &json!({"do": "throw", "value": "no such row"}));
        assert_eq!(failed, Err(json!({"code": "W_HANDLER", "message": "no such row"})));
    }
    assert_eq!(client.call(SERVICE, &json!("still there")), Ok(json!("still there")));
}

pub(crate) fn a_rejected_request_goes_to_the_other_worker(pair: &Pair) {
    let broker = broker();
    let mut unwilling = pair.worker(broker.endpoint());
    unwilling.send(&json!({"op": "reject", "value": true}));
    let mut client = pair.client(broker.endpoint());
    client.request("first", SERVICE, &json!("anyone?"), &json!({}));
    // The only one refuses, so it waits for another.
    eventually("the reject", || (broker.statistics().unwrap().rejects == 1).then_some(()));
    let _willing = pair.worker(broker.endpoint());
    assert_eq!(client.outcome("first"), Ok(json!("anyone?")));
}

pub(crate) fn a_request_times_out(pair: &Pair) {
    let broker = broker();
    let _worker = pair.worker(broker.endpoint());
    let mut client = pair.client(broker.endpoint());
    client.request("lost", SERVICE, &json!({"do": "never"}), &json!({"timeout": 300}));
    assert_eq!(client.outcome("lost"), Err(json!("C_TIMEOUT")));
    eventually("the broker forgets it", || (broker.statistics().unwrap().in_flight == 0).then_some(()));
    assert_eq!(client.call(SERVICE, &json!("next")), Ok(json!("next")));
}

pub(crate) fn a_cancelled_request_is_cancelled_at_the_worker(pair: &Pair) {
    let broker = broker();
    let mut worker = pair.telling_worker(broker.endpoint());
    let mut client = pair.client(broker.endpoint());
    client.request("unwanted", SERVICE, &json!({"do": "never"}), &json!({}));
    let told = worker.wait_for("request", |event| event["event"] == "request");
    client.send(&json!({"op": "cancel", "tag": "unwanted"}));
    assert_eq!(client.outcome("unwanted"), Err(json!("C_CANCELLED")));
    worker.wait_for("cancellation", |event| event["event"] == "cancelled" && event["request"] == told["request"]);
    assert_eq!(broker.statistics().unwrap().cancelled, 1);
}

pub(crate) fn ten_thousand_concurrent_requests_are_answered(pair: &Pair) {
    let broker = broker();
    let _worker = pair.worker(broker.endpoint());
    let mut client = pair.client(broker.endpoint());
    let opts = json!({"timeout": 300_000});
    client.send(&json!({"op": "flood", "tag": "flood", "service": SERVICE, "count": 10_000, "opts": opts}));
    let flooded = client.wait_for("end of the flood", |event| event["event"] == "flooded");
    assert_eq!((&flooded["ok"], &flooded["failed"]), (&json!(10_000), &json!(0)), "{flooded}");
    let statistics = broker.statistics().unwrap();
    assert_eq!((statistics.replies, statistics.in_flight, statistics.queued), (10_000, 0, 0));
}

pub(crate) fn sixteen_mebibytes_come_back(pair: &Pair) {
    let broker = broker();
    let _worker = pair.worker(broker.endpoint());
    let mut client = pair.client(broker.endpoint());
    let large = json!("0123456789abcdef".repeat(1 << 20));
    let answer = client.call(SERVICE, &large);
    assert!(answer == Ok(large), "the answer is another");
}

pub(crate) fn all_bytes_pass_unharmed(pair: &Pair) {
    let broker = broker();
    let _worker = pair.worker(broker.endpoint());
    let mut client = pair.client(broker.endpoint());
    let bytes: String = (0..=255).map(|byte| format!("{byte:02x}")).collect();
    for (tag, bytes) in [("all", bytes.as_str()), ("none", ""), ("nul", "00")] {
        client.send(&json!({"op": "request", "tag": tag, "service": SERVICE, "bytes": bytes,
            "opts": {"codec": "raw"}}));
        let answer = client.wait_for("reply", |event| event["event"] == "final" && event["tag"] == tag);
        assert_eq!((&answer["error"], &answer["bytes"]), (&json!(0), &json!(bytes)));
    }
}

pub(crate) fn a_killed_worker_costs_no_request_with_retry(pair: &Pair) {
    let broker = broker();
    let mut first = pair.telling_worker(broker.endpoint());
    let mut client = pair.client(broker.endpoint());
    // Time enough to kill its worker, and what is not in time fails the count of retries.
    let kept = json!({"do": "sleep", "ms": 2_000, "value": "kept"});
    client.request("kept", SERVICE, &kept, &json!({"retry": 1}));
    client.request("lost", SERVICE, &json!({"do": "never", "value": "lost"}), &json!({}));
    for value in ["kept", "lost"] {
        wait_for_request(&mut first, value);
    }

    first.kill();

    assert_eq!(client.outcome("lost"), Err(json!("B_WORKER_LOST")));
    wait_for_workers(&broker, 0);
    let mut second = pair.telling_worker(broker.endpoint());
    wait_for_request(&mut second, "kept");
    assert_eq!(client.outcome("kept"), Ok(json!("kept")));
    assert_eq!(broker.statistics().unwrap().retries, 1);
}

fn wait_for_request(worker: &mut Peer, value: &str) {
    worker.wait_for("request at the worker", |event| event["event"] == "request" && event["data"]["value"] == value);
}
