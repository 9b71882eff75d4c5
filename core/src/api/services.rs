//! Core services: workers that also receive the publications of the broker.

use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use serde_json::{Map, Value};

use super::latch::Latch;
use super::reply::decode;
use super::wait::wait_for;
use crate::config::WorkerOptions;
use crate::endpoint::{open_subscriber, open_worker, service_name, SubscriberCommand, WorkerCommand};
use crate::error::Error;
use crate::protocol::{Frame, Payload, ReplyKind, Status};
use crate::reactor::{Engine, EventSink, Handle, WeakHandle};
use crate::worker::{Event, IncomingRequest};

/// The name of the directory service.
pub const DIRECTORY: &str = "$dir";

/// A directory service in the broker's place: the published package's `services.Directory`.
///
/// A broker answers `$dir` itself. While a directory service is registered, the service gets the requests. It needs no thread of
/// its own: it answers on the I/O thread.
#[derive(Debug)]
pub struct Directory {
    worker: Handle<WorkerCommand>,
    subscriber: Handle<SubscriberCommand>,
    stopped: Latch,
}

type Entries = Arc<Mutex<Map<String, Value>>>;

impl Directory {
    /// Starts a directory service for the broker at `endpoint`, which publishes at `intch`.
    ///
    /// # Errors
    ///
    /// `E_ENDPOINT` for an invalid endpoint, `E_SYSTEM` if the system has no threads or sockets left.
    pub fn start(endpoint: &str, intch: &str) -> Result<Self, Error> {
        let engine = Engine::current()?;
        let entries = Entries::default();
        let stopped = Latch::default();
        let handle = Arc::new(OnceLock::new());
        let sink = Answers { entries: Arc::clone(&entries), handle: Arc::clone(&handle), stopped: stopped.clone() };
        let name = service_name(DIRECTORY)?;
        let worker = open_worker(&engine, endpoint, name, WorkerOptions::default(), Box::new(sink))?;
        // It is set only here.
        let _ = handle.set(worker.downgrade());
        let topic = format!("{DIRECTORY} ");
        match open_subscriber(&engine, intch, &topic, Box::new(Subscription { entries })) {
            Ok(subscriber) => Ok(Self { worker, subscriber, stopped }),
            Err(error) => {
                let _ = worker.submit_urgent(WorkerCommand::Stop);
                Err(error)
            }
        }
    }

    /// Stops the service and waits until it has stopped. The broker then answers again.
    pub async fn stop(&self) {
        self.begin_stop();
        if !self.worker.is_inherited() {
            self.stopped.wait().await;
        }
    }

    /// As [`Directory::stop`].
    ///
    /// # Blocking
    ///
    /// Blocks the calling thread until the service has stopped.
    pub fn stop_blocking(&self) {
        wait_for(self.stop());
    }

    fn begin_stop(&self) {
        // The only possible errors are that both have stopped.
        let _ = self.worker.submit_urgent(WorkerCommand::Stop);
        let _ = self.subscriber.submit_urgent(SubscriberCommand::Stop);
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.begin_stop();
    }
}

/// The sink that answers the requests.
struct Answers {
    entries: Entries,
    handle: Arc<OnceLock<WeakHandle<WorkerCommand>>>,
    stopped: Latch,
}

impl Answers {
    fn answer(&self, request: &IncomingRequest) -> Value {
        let entries = self.entries.lock();
        let asked = decode::<Value>(&request.data).unwrap_or_default();
        match asked.as_str() {
            None | Some("") => Value::Object(entries.clone()),
            Some(service) => entries.get(service).cloned().unwrap_or_else(|| Value::Array(Vec::new())),
        }
    }

    fn send(&self, command: WorkerCommand) {
        if let Some(handle) = self.handle.get().and_then(WeakHandle::upgrade) {
            // The only possible error is that the service has stopped.
            let _ = handle.submit_urgent(command);
        }
    }
}

impl EventSink<Event> for Answers {
    fn deliver(&mut self, events: &mut Vec<Event>) {
        for event in events.drain(..) {
            match event {
                Event::Request(request) => {
                    let data = Frame::from(self.answer(&request).to_string());
                    let payload = Payload::new(Status::Ok, data, Frame::from("{}"));
                    self.send(WorkerCommand::Reply { number: request.number, kind: ReplyKind::Final, payload });
                }
                Event::Connected => self.send(WorkerCommand::Heartbeat { update: true }),
                Event::Stopped => self.stopped.set(),
                _ => {}
            }
        }
    }
}

/// The sink that keeps the latest publication.
struct Subscription {
    entries: Entries,
}

impl EventSink<Frame> for Subscription {
    fn deliver(&mut self, events: &mut Vec<Frame>) {
        // Each publication is the whole directory, so only the last one matters.
        let Some(last) = events.pop() else { return };
        events.clear();
        let json = last.get(DIRECTORY.len()..).unwrap_or_default();
        if let Ok(Value::Object(entries)) = serde_json::from_slice(json) {
            *self.entries.lock() = entries;
        }
    }
}
