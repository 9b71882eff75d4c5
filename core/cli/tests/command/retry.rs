//! `pigato request --retry`: requests whose worker is lost.

use crate::support::{Broker, Running};

/// Prints the number of the attempt, and replies only to the second one.
const SECOND_TIME: &str = "echo \"$PIGATO_ATTEMPT\"; [ \"$PIGATO_ATTEMPT\" = 2 ] || sleep 5";

/// A broker with frequent heartbeats, so that it soon notices a lost worker.
fn broker() -> Broker {
    Broker::with(&["--heartbeat", "100"])
}

fn worker(broker: &Broker) -> Running {
    broker.worker("second", SECOND_TIME, &["--heartbeat", "100"])
}

#[test]
fn with_retry_another_worker_receives_the_request() {
    let broker = broker();
    let first = worker(&broker);
    let mut request = broker.spawn(&["request", "second", "--retry"]);
    assert_eq!(request.line(), "1");
    // Kills the worker: it sends no disconnect message.
    drop(first);
    let _second = worker(&broker);
    assert_eq!(request.end().success(), "2\nnull\n");
}

#[test]
fn without_retry_the_error_mentions_the_option() {
    let broker = broker();
    let first = worker(&broker);
    let mut request = broker.spawn(&["request", "second"]);
    assert_eq!(request.line(), "1");
    drop(first);
    request.end().expect(4, &["B_WORKER_LOST", "--retry"]);
}
