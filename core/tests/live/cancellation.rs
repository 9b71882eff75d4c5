//! A client that no longer wants its reply.

use pigato::{Client, ErrorCode, Job, Worker};
use std::future::Future;

use crate::support::serve::broker;
use crate::support::wait::{eventually, within};

#[test]
fn the_handler_sees_that_the_response_was_dropped() {
    let broker = broker();
    let worker = Worker::connect(broker.endpoint(), "work").unwrap();
    let client = Client::connect(broker.endpoint()).unwrap();
    let response = client.request("work", &()).send();
    let Job { reply, .. } = within("the request", worker.next()).unwrap();
    assert!(reply.active() && !reply.is_cancelled());

    drop(response);

    within("the job is cancelled", reply.cancelled());
    assert!(reply.is_cancelled() && !reply.active() && !reply.ended());
    assert_eq!(reply.write_blocking(&1).unwrap_err().code(), ErrorCode::Cancelled);
    assert_eq!(reply.end(&2).unwrap_err().code(), ErrorCode::Cancelled);
    let statistics = broker.statistics().unwrap();
    assert_eq!((statistics.cancelled, statistics.in_flight, statistics.protocol_errors), (1, 0, 0));
}

#[test]
fn another_thread_can_cancel_a_response_that_is_waited_for() {
    let broker = broker();
    let worker = Worker::connect(broker.endpoint(), "work").unwrap();
    let client = Client::connect(broker.endpoint()).unwrap();
    let response = client.request("work", &()).send();
    let handle = response.cancel_handle();
    let Job { reply, .. } = within("the request", worker.next()).unwrap();
    let waiting = std::thread::spawn(move || response.finish_blocking());

    handle.cancel();

    assert_eq!(waiting.join().unwrap().unwrap_err().code(), Some(ErrorCode::Cancelled));
    within("the job is cancelled", reply.cancelled());
    drop((client, worker));
    handle.cancel();
}

#[test]
fn cancelling_fails_the_request_at_once_and_cancels_the_job() {
    let broker = broker();
    let worker = Worker::connect(broker.endpoint(), "work").unwrap();
    let client = Client::connect(broker.endpoint()).unwrap();
    let mut response = client.request("work", &()).send();
    let Job { reply, .. } = within("the request", worker.next()).unwrap();

    response.cancel();

    let error = within("the outcome", response.next()).unwrap().unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::Cancelled));
    assert!(within("the end", response.next()).is_none());
    within("the job is cancelled", reply.cancelled());
}

#[test]
fn a_cancelled_request_leaves_the_queue() {
    let broker = broker();
    let client = Client::connect(broker.endpoint()).unwrap();
    let response = client.request("nobody", &()).send();
    eventually("the request waits", || (broker.statistics().unwrap().queued == 1).then_some(()));

    drop(response);

    eventually("the request leaves", || (broker.statistics().unwrap().queued == 0).then_some(()));
    assert_eq!(broker.statistics().unwrap().request_bytes, 0);
}

#[test]
fn a_late_cancel_has_no_effect() {
    let broker = broker();
    let worker = Worker::connect(broker.endpoint(), "work").unwrap();
    let client = Client::connect(broker.endpoint()).unwrap();
    for number in 0..200 {
        let response = client.request("work", &number).send();
        let Job { reply, .. } = within("the request", worker.next()).unwrap();
        // Both are in transit at once: whichever arrives first, the outcome is one of the two.
        let cancelled = std::thread::spawn(move || drop(response));
        let _ = reply.end(&number);
        cancelled.join().unwrap();
    }
    let statistics = eventually("all have ended", || {
        let statistics = broker.statistics().unwrap();
        (statistics.in_flight == 0 && statistics.queued == 0).then_some(statistics)
    });
    assert_eq!(statistics.protocol_errors, 0);
    assert_eq!(statistics.workers, 1);
}

#[test]
fn stopping_the_client_fails_its_requests_and_cancels_the_jobs() {
    let broker = broker();
    let worker = Worker::connect(broker.endpoint(), "work").unwrap();
    let client = Client::connect(broker.endpoint()).unwrap();
    let in_flight = client.request("work", &()).send();
    let queued = client.request("nobody", &()).send();
    let Job { reply, .. } = within("the request", worker.next()).unwrap();
    // By now the client knows that its broker supports cancels.
    eventually("the client has read the broker's answer", || client.is_connected().then_some(()));

    within("the client stops", client.stop());

    for response in [in_flight, queued, client.request("work", &"too late").send()] {
        assert_eq!(within("the outcome", response).unwrap_err().code(), Some(ErrorCode::Closed));
    }
    within("the job is cancelled", reply.cancelled());
    let statistics = broker.statistics().unwrap();
    assert_eq!((statistics.queued, statistics.in_flight), (0, 0));
}

#[test]
fn stopping_the_worker_lets_its_handlers_finish() {
    let broker = broker();
    let worker = Worker::connect(broker.endpoint(), "work").unwrap();
    let client = Client::connect(broker.endpoint()).unwrap();
    let response = client.request("work", &()).send();
    let Job { reply, .. } = within("the request", worker.next()).unwrap();
    // After this poll the stop has begun: the worker receives no new requests.
    let mut stopping = std::pin::pin!(worker.stop());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(stopping.as_mut().poll(&mut context).is_pending());
    let other = client.request("work", &"another").fail_fast().timeout(std::time::Duration::from_secs(50)).send();
    assert_eq!(within("the outcome", other).unwrap_err().code(), Some(ErrorCode::Rejected));

    reply.end("finished").unwrap();

    within("the worker stops", stopping);
    assert_eq!(within("the reply", response).unwrap().json().unwrap(), "finished");
    assert!(within("the end", worker.next()).is_none());
    eventually("the worker has left", || (broker.statistics().unwrap().workers == 0).then_some(()));
}
