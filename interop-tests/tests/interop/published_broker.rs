//! Published broker with our client and our worker.

use std::time::Duration;

use pigato::{Client, ErrorCode, Worker};
use pigato_interop::peer::Peer;
use serde_json::json;

use crate::helpers::{call, collect, own_worker};
use crate::serve::{remote, serve, serve_echo};
use crate::wait::{eventually, within};

#[test]
fn requests_partials_and_errors_pass() {
    let broker = Peer::published_broker();
    let endpoint = broker.fact("endpoint");
    let _worker = own_worker(&endpoint, "echo");
    let client = Client::connect(&endpoint).unwrap();

    let data = json!({"nested": [1, "zwei", null]});
    assert_eq!(call(&client, "echo", &data), data);
    // More than the credit: a broker without version 1 does not limit partial replies.
    let replies = collect(client.request("echo", &json!({"do": "partials", "count": 3_000})).send());
    assert_eq!(replies, (0..=3_000).map(|number| json!(number)).collect::<Vec<_>>());
    let failed = client.request("echo", &json!({"do": "error", "value": "sold out"})).send();
    let error = within("the outcome", failed).unwrap_err();
    assert_eq!(remote(error).value(), "sold out");
}

#[test]
fn a_rejected_request_goes_to_the_other_worker() {
    let broker = Peer::published_broker();
    let endpoint = broker.fact("endpoint");
    let _unwilling = serve(Worker::builder(&endpoint, "echo"), |_, reply| Ok(reply.reject("not mine")?));
    let _willing = own_worker(&endpoint, "echo");
    let client = Client::connect(&endpoint).unwrap();
    for number in 0..20 {
        assert_eq!(call(&client, "echo", &json!(number)), number);
    }
}

#[test]
fn a_thousand_concurrent_requests_are_answered() {
    let broker = Peer::published_broker();
    let endpoint = broker.fact("endpoint");
    let _worker = own_worker(&endpoint, "echo");
    let client = Client::connect(&endpoint).unwrap();
    let responses: Vec<_> = (0..1_000).map(|number| client.request("echo", &number).send()).collect();
    for (number, response) in responses.into_iter().enumerate() {
        assert_eq!(within("the reply", response).unwrap().decode::<usize>().unwrap(), number);
    }
}

#[test]
fn our_peers_reconnect_to_the_next_published_broker() {
    const RECONNECT: Duration = Duration::from_millis(50);
    let broker = Peer::published_broker();
    let endpoint = broker.fact("endpoint");
    let worker = Worker::builder(&endpoint, "work").reconnect(RECONNECT).start().unwrap();
    let client = Client::builder(&endpoint).reconnect(RECONNECT).start().unwrap();
    let kept = client.request("work", &"kept").retry(true).send();
    let lost = client.request("work", &"lost").send();
    let jobs: Vec<_> = (0..2).map(|_| within("a request", worker.next()).unwrap()).collect();

    // It notifies no peer: only the connection closes.
    broker.stop();
    assert_eq!(within("the outcome", lost).unwrap_err().code(), Some(ErrorCode::Disconnected));
    for job in &jobs {
        within("the handlers are told", job.reply.cancelled());
    }
    let _next = Peer::published("broker", &endpoint).option("intch", "tcp://127.0.0.1:*").start().ready();

    let job = within("the request again", worker.next()).unwrap();
    assert_eq!(job.request.json().unwrap(), "kept");
    job.reply.end("answered").unwrap();
    assert_eq!(within("the reply", kept).unwrap().json().unwrap(), "answered");
    assert!(eventually("both are connected", || (client.is_connected() && worker.is_connected()).then_some(true)));
}

#[test]
fn a_published_client_reaches_our_worker_through_the_published_broker() {
    let broker = Peer::published_broker();
    let endpoint = broker.fact("endpoint");
    let _worker = serve_echo(&endpoint, "echo");
    let mut client = Peer::published_client(&endpoint);
    assert_eq!(client.call("echo", &json!("through")), Ok(json!("through")));
}
