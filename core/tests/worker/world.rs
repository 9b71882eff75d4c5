//! A worker for `echo`, its clock and its broker, as text: [`World::receive`] delivers a message,
//! and [`World::did`] returns the worker's messages and events since its last call.

use std::time::Duration;

use pigato::config::WorkerOptions;
use pigato::protocol::{Payload, ReplyKind, WorkerToBroker};
use pigato::worker::{CancelReason, Event, Machine, Output, Request, Token};

use super::support::worker::{payload, worker, Worker};
use super::support::{frames, text, Machine as _};

/// The default announcement of a worker.
pub(crate) const READY: &str =
    r#"W|1|echo|{"v":1,"caps":["cancel","credit","codec"],"heartbeat":2500,"concurrency":100}"#;

/// The default heartbeat.
pub(crate) const HEARTBEAT: &str = r#"W|4||{"concurrency":100}"#;

/// The answer of a version 1 broker to the announcement.
pub(crate) const ANSWER: &str = r#"W|1|{"v":1,"caps":["cancel","credit","codec"],"heartbeat":2500,"name":"B1"}"#;

pub(crate) struct World {
    pub(crate) worker: Worker,
    did: Vec<String>,
    broker_lives: bool,
}

impl World {
    /// A worker that is not started.
    pub(crate) fn new(options: WorkerOptions) -> Self {
        Self { worker: worker("echo", options, 1), did: Vec::new(), broker_lives: false }
    }

    /// A worker whose connection is up, with a broker that sends nothing.
    pub(crate) fn up() -> Self {
        Self::up_with(WorkerOptions::default())
    }

    pub(crate) fn up_with(options: WorkerOptions) -> Self {
        let mut world = Self::new(options);
        world.start();
        world.connected();
        world.did();
        world
    }

    /// A worker with a version 1 broker, which answers every heartbeat.
    pub(crate) fn alive() -> Self {
        Self::alive_with(WorkerOptions::default())
    }

    pub(crate) fn alive_with(options: WorkerOptions) -> Self {
        let mut world = Self::up_with(options);
        world.broker_answers(ANSWER);
        world
    }

    /// Like [`World::alive`], with a broker of version 0.
    pub(crate) fn published() -> Self {
        let mut world = Self::up();
        world.broker_answers("W|1");
        world
    }

    /// The broker answers the announcement, and from now on every heartbeat.
    pub(crate) fn broker_answers(&mut self, answer: &str) {
        self.broker_lives = true;
        self.receive(answer);
        self.did();
    }

    /// From now on the broker sends nothing.
    pub(crate) fn broker_dies(&mut self) {
        self.broker_lives = false;
    }

    pub(crate) fn start(&mut self) {
        let outputs = self.worker.start();
        self.note(&outputs);
    }

    pub(crate) fn connected(&mut self) {
        let outputs = self.worker.connected();
        self.note(&outputs);
    }

    pub(crate) fn lost(&mut self) {
        let outputs = self.worker.lost();
        self.note(&outputs);
    }

    pub(crate) fn connect_failed(&mut self) {
        let outputs = self.worker.connect_failed();
        self.note(&outputs);
    }

    /// Advances the time until the next connection is requested, and establishes it. Returns how
    /// long that took.
    pub(crate) fn reconnect(&mut self) -> Duration {
        let before = self.worker.elapsed();
        let deadline = self.worker.next_deadline().expect("another attempt");
        self.advance(deadline - before);
        self.connected();
        deadline - before
    }

    pub(crate) fn receive(&mut self, message: &str) {
        let outputs = self.worker.receive(frames(message));
        self.note(&outputs);
    }

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
    pub(crate) fn reply(&mut self, token: Token, data: &str) -> bool {
        self.reply_with(token, ReplyKind::Final, payload(data))
    }

    pub(crate) fn partial(&mut self, token: Token, data: &str) -> bool {
        self.reply_with(token, ReplyKind::Partial, payload(data))
    }

    pub(crate) fn reply_with(&mut self, token: Token, kind: ReplyKind, payload: Payload) -> bool {
        let (taken, outputs) = self.worker.reply(token, kind, payload);
        self.note(&outputs);
        taken
    }

    pub(crate) fn reject(&mut self, token: Token, reason: &str) -> bool {
        let (taken, outputs) = self.worker.reject(token, reason);
        self.note(&outputs);
        taken
    }

    pub(crate) fn drain(&mut self, timeout: Duration) {
        let outputs = self.worker.input(|machine, now| machine.drain(now, timeout));
        self.note(&outputs);
    }

    pub(crate) fn stop(&mut self) {
        let outputs = self.worker.stop();
        self.note(&outputs);
    }

    pub(crate) fn input(&mut self, input: impl FnOnce(&mut Machine)) {
        let outputs = self.worker.input(|machine, _| input(machine));
        self.note(&outputs);
    }

    /// The owner has reached its limit of queued events and stops reading.
    pub(crate) fn not_reading(&mut self) {
        let outputs = self.worker.input(|machine, now| machine.handle_not_reading(now));
        self.note(&outputs);
    }

    pub(crate) fn advance(&mut self, duration: Duration) {
        let broker_lives = self.broker_lives;
        let outputs = self.worker.advance(duration, |message| match message {
            WorkerToBroker::Heartbeat(_) => broker_lives.then(|| frames("W|4")),
            _ => None,
        });
        self.note(&outputs);
    }

    /// The worker's messages and events since the last call.
    pub(crate) fn did(&mut self) -> Vec<String> {
        std::mem::take(&mut self.did)
    }

    fn note(&mut self, outputs: &[Output]) {
        for output in outputs {
            let line = match output {
                Output::Connect(_) => "connect".to_owned(),
                Output::Send(message) => message_text(message.clone()),
                Output::Disconnect => "disconnect".to_owned(),
                Output::Event(event) => event_text(event),
            };
            self.did.push(line);
        }
    }
}

fn message_text(message: WorkerToBroker) -> String {
    let mut frames = Vec::new();
    Machine::encode(message, &mut frames);
    text(&frames)
}

fn event_text(event: &Event) -> String {
    match event {
        Event::Connected => "connected".to_owned(),
        Event::Disconnected => "disconnected".to_owned(),
        Event::Stopped => "stopped".to_owned(),
        Event::ProtocolError(malformed) => format!("protocol error {}", malformed.published_name()),
        Event::Request(request) => request_text(request),
        Event::Cancelled { token, reason } => format!("{token} cancelled: {}", reason_text(*reason)),
        Event::Heartbeat { token } => format!("{token} heartbeat"),
        Event::Credit { token, partials } => format!("{token} credit {partials}"),
        other => panic!("an event without a text: {other:?}"),
    }
}

/// `number request client service id data options`.
fn request_text(request: &Request) -> String {
    let frames = [request.client.to_frame(), request.service.to_frame(), request.id.to_frame()];
    let frames = frames.iter().chain([&request.data, &request.options]);
    format!("{} request {}", request.token, text(frames).replace('|', " "))
}

fn reason_text(reason: CancelReason) -> &'static str {
    match reason {
        CancelReason::Client => "client",
        CancelReason::Disconnected => "disconnected",
        CancelReason::Stopped => "stopped",
        _ => panic!("a reason without a text: {reason:?}"),
    }
}
