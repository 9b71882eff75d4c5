//! Brokers start late, stop and restart, and no peer waits for a heartbeat.

use std::time::Duration;

use pigato::{Broker, Client, ErrorCode, Job, PeerEvent, Worker};

use crate::support::events::recorder;
use crate::support::raw::{is, Raw};
use crate::support::serve::{broker, broker_at, serve_echo, ANY_PORT};
use crate::support::wait::{eventually, within};

/// So long that no heartbeat influences a test.
const NO_HEARTBEAT: Duration = Duration::from_secs(600);
const RECONNECT: Duration = Duration::from_millis(20);

fn client(endpoint: &str) -> Client {
    Client::builder(endpoint).heartbeat(NO_HEARTBEAT).reconnect(RECONNECT).start().unwrap()
}

fn worker(endpoint: &str, service: &str) -> Worker {
    Worker::builder(endpoint, service).heartbeat(NO_HEARTBEAT).reconnect(RECONNECT).start().unwrap()
}

/// An address without a listener.
fn free_endpoint() -> String {
    let broker = broker();
    let endpoint = broker.endpoint().to_owned();
    within("the broker stops", broker.stop());
    endpoint
}

#[test]
fn a_request_made_before_the_broker_exists_is_sent_when_it_starts() {
    let endpoint = free_endpoint();
    let client = client(&endpoint);
    let response = client.request("echo", &"early").send();
    let worker = worker(&endpoint, "echo");
    assert!(!client.is_connected() && !worker.is_connected());

    let _broker = broker_at(&endpoint);

    let job = within("the request", worker.next()).unwrap();
    job.reply.end(&job.request.json().unwrap()).unwrap();
    assert_eq!(within("the reply", response).unwrap().json().unwrap(), "early");
    assert!(client.is_connected() && worker.is_connected());
}

#[test]
fn worker_and_client_connect_to_the_next_broker_at_the_same_address() {
    let mut broker = broker();
    let endpoint = broker.endpoint().to_owned();
    let _worker = serve_echo(&endpoint, "echo");
    let (sender, mut lives) = recorder();
    let client = Client::builder(&endpoint)
        .heartbeat(NO_HEARTBEAT)
        .reconnect(RECONNECT)
        .on_event(move |event| sender.send(event))
        .start()
        .unwrap();
    for round in 0..3 {
        let answer: u32 = within("the reply", client.call("echo", &round)).unwrap();
        assert_eq!(answer, round);
        within("the broker stops", broker.stop());
        lives.wait_for("disconnect", |event| *event == PeerEvent::Disconnected);
        broker = broker_at(&endpoint);
        lives.wait_for("connect", |event| *event == PeerEvent::Connected);
    }
}

#[test]
fn a_stopping_broker_finishes_accepted_requests() {
    let broker = broker();
    let worker = worker(broker.endpoint(), "work");
    let client = client(broker.endpoint());
    let accepted = client.request("work", &"accepted").send();
    let job = within("the request", worker.next()).unwrap();
    let stopping = std::thread::spawn(move || within("the broker stops", broker.stop()));
    let refused = eventually("new requests are refused", || {
        let outcome = within("the outcome", client.request("nobody", &()).timeout(Duration::from_millis(200)).send());
        outcome.err().and_then(|error| error.code()).filter(|code| *code != ErrorCode::Timeout)
    });
    assert_eq!(refused, ErrorCode::Draining);

    job.reply.end("done").unwrap();

    assert_eq!(within("the reply", accepted).unwrap().json().unwrap(), "done");
    stopping.join().unwrap();
}

#[test]
fn requests_with_retry_survive_a_restart_of_the_broker_and_others_fail_at_once() {
    let broker = broker();
    let endpoint = broker.endpoint().to_owned();
    let worker = worker(&endpoint, "work");
    let client = client(&endpoint);
    let lost = client.request("work", &"once").send();
    let kept = client.request("work", &"again").retry(true).send();
    let queued = client.request("later", &"queued").retry(true).send();
    let jobs: Vec<Job> = (0..2).map(|_| within("a request", worker.next()).unwrap()).collect();
    eventually("the third one waits", || (broker.statistics().unwrap().queued == 1).then_some(()));

    within("the broker stops", broker.stop_within(Duration::ZERO));
    let error = within("the outcome", lost).unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::Draining), "{error}");
    for job in &jobs {
        within("the jobs are cancelled", job.reply.cancelled());
        assert_eq!(job.reply.end("too late").unwrap_err().code(), ErrorCode::Disconnected);
    }
    let _next = broker_at(&endpoint);

    let job = within("the request again", worker.next()).unwrap();
    assert_eq!(job.request.json().unwrap(), "again");
    job.reply.end("answered").unwrap();
    assert_eq!(within("the reply", kept).unwrap().json().unwrap(), "answered");
    let _later = serve_echo(&endpoint, "later");
    assert_eq!(within("the reply", queued).unwrap().json().unwrap(), "queued");
}

#[test]
fn a_broker_that_vanishes_is_noticed_at_once() {
    let (broker, endpoint) = Raw::router();
    let client = client(&endpoint);
    let lost = client.request("work", &"once").send();
    let kept = client.request("work", &"again").retry(true).send();
    let first = broker.receive_where(|frames| is(&frames[1..].to_vec(), "C", "2") && frames[5] == b"\"again\"");

    drop(broker);

    assert_eq!(within("the outcome", lost).unwrap_err().code(), Some(ErrorCode::Disconnected));
    let (next, _) = Raw::router_at(&endpoint);
    let second = next.receive_where(|frames| is(&frames[1..].to_vec(), "C", "2"));
    assert_ne!(first[0], second[0], "every connection has an identity of its own");
    assert_eq!(first[1..], second[1..], "the same request under the same id");
    next.send(vec![
        second[0].clone(),
        b"C".to_vec(),
        b"3".to_vec(),
        Vec::new(),
        second[4].clone(),
        b"0".to_vec(),
        b"\"answered\"".to_vec(),
        b"{}".to_vec(),
    ]);
    assert_eq!(within("the reply", kept).unwrap().json().unwrap(), "answered");
}

#[test]
fn the_last_replies_of_a_broker_arrive() {
    for _ in 0..20 {
        let (broker, endpoint) = Raw::router();
        let client = client(&endpoint);
        let responses: Vec<_> = (0..50).map(|number| client.request("work", &number).send()).collect();
        for _ in &responses {
            let request = broker.receive_where(|frames| is(&frames[1..].to_vec(), "C", "2"));
            let [identity, rid] = [&request[0], &request[4]];
            broker.send(crate::frames![identity, "C", "3", "", rid, "0", &request[5], "{}"]);
        }
        // The connection closes right after the replies.
        broker.close_after_sending();
        for (number, response) in responses.into_iter().enumerate() {
            let reply = within("the reply", response).unwrap_or_else(|error| panic!("{number}: {error}"));
            assert_eq!(reply.decode::<usize>().unwrap(), number);
        }
    }
}

#[test]
fn the_requests_of_a_vanished_worker_go_to_another() {
    let broker = Broker::builder().bind(ANY_PORT).intch(None).start().unwrap();
    let client = client(broker.endpoint());
    let vanishing = worker(broker.endpoint(), "work");
    let kept = client.request("work", &"again").retry(true).send();
    let _job = within("the request", vanishing.next()).unwrap();
    let lost = client.request("work", &"once").send();
    let _other_job = within("the request", vanishing.next()).unwrap();

    within("the worker stops", vanishing.stop_within(Duration::ZERO));

    assert_eq!(within("the outcome", lost).unwrap_err().code(), Some(ErrorCode::WorkerLost));
    let next = worker(broker.endpoint(), "work");
    let job = within("the request again", next.next()).unwrap();
    assert_eq!((job.request.attempt(), job.request.json().unwrap()), (2, "again".into()));
    job.reply.end("answered").unwrap();
    assert_eq!(within("the reply", kept).unwrap().json().unwrap(), "answered");
}
