//! A worker sends as many partial replies as its client grants credit, then waits.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use pigato::limits::CREDIT_PARTIALS;
use pigato::{Client, ErrorCode, Job, Worker};

use crate::support::serve::broker;
use crate::support::wait::{eventually, within};

/// The output, if the future completes without waiting.
fn now_or_never<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Writes until a write would wait; returns the number of replies written.
fn write_all(job: &Job, mut next: u32) -> u32 {
    while let Some(outcome) = now_or_never(job.reply.write(&next)) {
        outcome.unwrap();
        next += 1;
    }
    next
}

#[test]
fn a_writer_stops_at_the_credit_and_continues_when_replies_are_read() {
    let broker = broker();
    let worker = Worker::connect(broker.endpoint(), "stream").unwrap();
    let client = Client::connect(broker.endpoint()).unwrap();
    let mut response = client.request("stream", &()).send();
    let job = within("the request", worker.next()).unwrap();

    let written = write_all(&job, 0);

    assert_eq!(written, CREDIT_PARTIALS);
    eventually("all are passed on", || {
        (broker.statistics().unwrap().partial_replies == u64::from(written)).then_some(())
    });
    for expected in 0..written {
        assert_eq!(within("a reply", response.next()).unwrap().unwrap().decode::<u32>().unwrap(), expected);
    }
    // As many replies as were read can be written again.
    within("there is room", job.reply.write(&written)).unwrap();
    let mut next = written + 1;
    eventually("all of it is granted", || {
        next = write_all(&job, next);
        (next == 2 * CREDIT_PARTIALS).then_some(())
    });
    job.reply.end("end").unwrap();
    for expected in CREDIT_PARTIALS..next {
        assert_eq!(within("a reply", response.next()).unwrap().unwrap().decode::<u32>().unwrap(), expected);
    }
    assert!(within("the final reply", response.next()).unwrap().unwrap().is_final());
}

#[test]
fn a_cancel_ends_a_writers_wait_for_credit() {
    let broker = broker();
    let worker = Worker::connect(broker.endpoint(), "stream").unwrap();
    let client = Client::connect(broker.endpoint()).unwrap();
    let response = client.request("stream", &()).send();
    let job = within("the request", worker.next()).unwrap();
    let written = write_all(&job, 0);
    let writer = std::thread::spawn(move || within("the write ends", job.reply.write(&written)));

    drop(response);

    assert_eq!(writer.join().unwrap().unwrap_err().code(), ErrorCode::Cancelled);
}
