//! What becomes of a request whose worker is lost.

use crate::support::{Broker, Running};

/// Tells which attempt it is, and answers the second one only.
const SECOND_TIME: &str = "echo \"$PIGATO_ATTEMPT\"; [ \"$PIGATO_ATTEMPT\" = 2 ] || sleep 5";

/// Quick heartbeats, so that a death is noticed soon.
fn broker() -> Broker {
    Broker::with(&["--heartbeat", "100"])
}

fn worker(broker: &Broker) -> Running {
    broker.worker("second", SECOND_TIME, &["--heartbeat", "100"])
}

#[test]
fn with_retry_another_worker_gets_it() {
    let broker = broker();
    let first = worker(&broker);
    let mut request = broker.spawn(&["request", "second", "--retry"]);
    assert_eq!(request.line(), "1");
    // Dies without a farewell.
    drop(first);
    let _second = worker(&broker);
    assert_eq!(request.end().success(), "2\nnull\n");
}

#[test]
fn without_retry_it_is_an_error_that_says_so() {
    let broker = broker();
    let first = worker(&broker);
    let mut request = broker.spawn(&["request", "second"]);
    assert_eq!(request.line(), "1");
    drop(first);
    request.end().expect(4, &["B_WORKER_LOST", "--retry"]);
}
