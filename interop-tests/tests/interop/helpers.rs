//! PIGATO peers for the tests.

use pigato::{Broker, Client, Response, Worker};
use pigato_interop::behaviours::answer;
use serde_json::Value;

use crate::serve::{serve, Serving};
use crate::wait::{eventually, within};

/// Starts a worker with the behaviours and waits until it is registered.
pub(crate) fn own_worker(endpoint: &str, service: &str) -> Serving {
    let serving = serve(Worker::builder(endpoint, service), answer);
    eventually("the worker is registered", || serving.worker().is_connected().then_some(()));
    serving
}

pub(crate) fn wait_for_workers(broker: &Broker, count: usize) {
    eventually("the workers are as many as expected", || {
        (broker.statistics().expect("the broker runs").workers == count).then_some(())
    });
}

/// Sends a request and returns its final reply.
pub(crate) fn call(client: &Client, service: &str, data: &Value) -> Value {
    within("the reply", client.call(service, data)).unwrap_or_else(|error| panic!("{service} {data}: {error}"))
}

/// Sends a request and returns all replies, the final one last.
pub(crate) fn collect(mut response: Response) -> Vec<Value> {
    let mut replies = Vec::new();
    while let Some(reply) = within("a reply", response.next()) {
        replies.push(reply.expect("a reply and no error").json().expect("JSON"));
    }
    replies
}
