//! A worker for `echo`, its clock and its broker, as text: [`World::receive`] delivers a message,
//! and [`World::did`] returns the worker's messages and events since its last call.

use std::time::Duration;

use pigato_proto::config::WorkerOptions;
use pigato_proto::protocol::{Frame, Payload, ReplyKind, WorkerToBroker};
use pigato_proto::worker::{CancelReason, Event, IncomingRequest, Machine, RequestNumber};

use super::support::scenario::{self, Scenario};
use super::support::worker::{payload, worker, Jobs, Worker};
use super::support::{frames, text, Machine as _};

/// The default announcement of a worker.
pub(crate) const READY: &str =
    r#"W|1|echo|{"v":1,"caps":["cancel","credit","codec"],"heartbeat":2500,"concurrency":100}"#;

/// The default heartbeat.
pub(crate) const HEARTBEAT: &str = r#"W|4||{"concurrency":100}"#;

/// The answer of a version 1 broker to the announcement.
pub(crate) const ANSWER: &str = r#"W|1|{"v":1,"caps":["cancel","credit","codec"],"heartbeat":2500,"name":"B1"}"#;

pub(crate) type World = scenario::World<Jobs>;

impl Scenario for Jobs {
    type Options = WorkerOptions;

    const ANSWER: &'static str = ANSWER;
    const PUBLISHED_ANSWER: &'static str = "W|1";

    fn owner(options: WorkerOptions) -> Worker {
        worker("echo", options, 1)
    }

    fn heartbeat_answer(message: &WorkerToBroker, _answer: &'static str) -> Option<Vec<Frame>> {
        matches!(message, WorkerToBroker::Heartbeat(_)).then(|| frames("W|4"))
    }

    fn message_text(&self, message: &WorkerToBroker) -> String {
        let mut frames = Vec::new();
        Machine::encode(message.clone(), &mut frames);
        text(&frames)
    }

    fn event_text(event: &Event) -> String {
        match event {
            Event::Connected => "connected".to_owned(),
            Event::Disconnected => "disconnected".to_owned(),
            Event::Stopped => "stopped".to_owned(),
            Event::ProtocolError(malformed) => format!("protocol error {}", malformed.published_name()),
            Event::Request(request) => request_text(request),
            Event::Cancelled { number, reason } => format!("{number} cancelled: {}", reason_text(*reason)),
            Event::Heartbeat { number } => format!("{number} heartbeat"),
            Event::Credit { number, partials } => format!("{number} credit {partials}"),
        }
    }
}

impl World {
    /// Receives request `id` of client `c1` from a version 1 broker, with credit.
    pub(crate) fn request_with_credit(&mut self, id: &str, credit: u32) {
        let metadata = format!(r#"{{"remaining":60000,"attempt":1,"credit":{credit}}}"#);
        self.receive(&format!("W|2|c1|echo||{id}|1|{{}}|{metadata}"));
        self.did();
    }

    /// Receives request `id` of client `c1`.
    pub(crate) fn request(&mut self, id: &str) {
        self.receive(&format!("W|2|c1|echo||{id}|1|{{}}"));
        self.did();
    }

    /// Sends a final reply. Returns whether the machine accepted it.
    pub(crate) fn reply(&mut self, number: RequestNumber, data: &str) -> bool {
        self.reply_with(number, ReplyKind::Final, payload(data))
    }

    pub(crate) fn partial(&mut self, number: RequestNumber, data: &str) -> bool {
        self.reply_with(number, ReplyKind::Partial, payload(data))
    }

    pub(crate) fn reply_with(&mut self, number: RequestNumber, kind: ReplyKind, payload: Payload) -> bool {
        let (taken, outputs) = self.owner.reply(number, kind, payload);
        self.note(&outputs);
        taken
    }

    pub(crate) fn reject(&mut self, number: RequestNumber, reason: &str) -> bool {
        let (taken, outputs) = self.owner.reject(number, reason);
        self.note(&outputs);
        taken
    }

    pub(crate) fn drain(&mut self, timeout: Duration) {
        let outputs = self.owner.input(|machine, now| machine.drain(now, timeout));
        self.note(&outputs);
    }

    pub(crate) fn stop(&mut self) {
        let outputs = self.owner.stop();
        self.note(&outputs);
    }
}

/// `number request client service id data options`.
fn request_text(request: &IncomingRequest) -> String {
    let frames = [request.client.to_frame(), request.service.to_frame(), request.id.to_frame()];
    let frames = frames.iter().chain([&request.data, &request.options]);
    format!("{} request {}", request.number, text(frames).replace('|', " "))
}

fn reason_text(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Client => "client",
        CancelReason::Disconnected => "disconnected",
        CancelReason::Stopped => "stopped",
    }
}
