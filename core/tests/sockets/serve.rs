//! Brokers and workers for tests.

use std::thread::JoinHandle;
use std::time::Duration;

use pigato::{Broker, HandlerError, RemoteError, ReplyWriter, Request, RequestError, Worker, WorkerBuilder};
use serde::Serialize;
use serde_json::Value;

use super::wait::within;

/// An endpoint with a free port.
pub(crate) const ANY_PORT: &str = "tcp://127.0.0.1:*";

/// A broker on a free port that publishes no directory.
pub(crate) fn broker() -> Broker {
    broker_at(ANY_PORT)
}

/// A broker that publishes no directory.
pub(crate) fn broker_at(endpoint: &str) -> Broker {
    Broker::builder().bind(endpoint).intch(None).start().expect("the endpoint can be bound")
}

/// A worker whose handler runs on its own threads until this is dropped.
pub(crate) struct Serving {
    worker: Worker,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    pub(crate) fn worker(&self) -> &Worker {
        &self.worker
    }

    /// Stops the worker and waits for its handlers.
    pub(crate) fn stop(mut self) {
        within("the worker stops", self.worker.stop());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("handlers' panics are caught");
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        within("the worker stops", self.worker.stop_within(Duration::ZERO));
    }
}

/// Starts a worker with a blocking handler on 4 threads.
pub(crate) fn serve<T: Serialize>(
    worker: WorkerBuilder,
    handler: impl Fn(&Request, &ReplyWriter) -> Result<T, HandlerError> + Send + Sync + 'static,
) -> Serving {
    let worker = worker.start().expect("the endpoint can be used");
    let thread = std::thread::spawn({
        let worker = worker.clone();
        move || worker.serve_blocking(4, handler)
    });
    Serving { worker, thread: Some(thread) }
}

/// Starts a worker that replies with the request's data.
pub(crate) fn serve_echo(endpoint: &str, service: &str) -> Serving {
    serve(Worker::builder(endpoint, service), echo)
}

/// Replies with the request's data.
pub(crate) fn echo(request: &Request, _reply: &ReplyWriter) -> Result<Value, HandlerError> {
    Ok(request.json()?)
}

/// The error reply to a request.
#[track_caller]
pub(crate) fn remote(error: RequestError) -> RemoteError {
    match error {
        RequestError::Remote(error) => error,
        other => panic!("expected an error reply, not {other}"),
    }
}
