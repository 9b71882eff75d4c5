//! The world of a client's or worker's scenario: the machine's owner, its broker, and a record of
//! the machine's messages and events as text.

use std::time::Duration;

use pigato_proto::protocol::Frame;
use pigato_proto::session::PeerOutput;

use super::{frames, Ledger, Machine, OutputOf, Owner};

type MessageOf<L> = <<L as Ledger>::Machine as Machine>::Message;
type EventOf<L> = <<L as Ledger>::Machine as Machine>::Event;

/// The differences between the worlds of clients and workers.
pub(crate) trait Scenario: Ledger + Sized {
    type Options: Default;

    /// The answer of a version 1 broker to the announcement.
    const ANSWER: &'static str;
    /// The answer of a broker of version 0.
    const PUBLISHED_ANSWER: &'static str;

    /// A machine that is not started.
    fn owner(options: Self::Options) -> Owner<Self>;
    /// The answer to a message of the machine, if it is a heartbeat; `answer` is the answer to the
    /// announcement.
    fn heartbeat_answer(message: &MessageOf<Self>, answer: &'static str) -> Option<Vec<Frame>>;
    /// The frames of a message from the broker, written as text.
    fn frames_from_broker(&self, message: &str) -> Vec<Frame> {
        let _ = self;
        frames(message)
    }
    fn message_text(&self, message: &MessageOf<Self>) -> String;
    fn event_text(event: &EventOf<Self>) -> String;
}

pub(crate) struct World<L: Scenario> {
    pub(crate) owner: Owner<L>,
    did: Vec<String>,
    /// The broker's answer to the announcement, while the broker is alive.
    answer: Option<&'static str>,
}

impl<L: Scenario> World<L> {
    /// A machine that is not started.
    pub(crate) fn new(options: L::Options) -> Self {
        Self { owner: L::owner(options), did: Vec::new(), answer: None }
    }

    /// A machine whose connection is up, with a broker that sends nothing.
    pub(crate) fn up() -> Self {
        Self::up_with(L::Options::default())
    }

    pub(crate) fn up_with(options: L::Options) -> Self {
        let mut world = Self::new(options);
        world.start();
        world.connected();
        world.did();
        world
    }

    /// A machine with a version 1 broker, which answers every heartbeat.
    pub(crate) fn alive() -> Self {
        Self::alive_with(L::Options::default())
    }

    pub(crate) fn alive_with(options: L::Options) -> Self {
        let mut world = Self::up_with(options);
        world.broker_answers(L::ANSWER);
        world
    }

    /// Like [`World::alive`], with a broker of version 0.
    pub(crate) fn published() -> Self {
        let mut world = Self::up();
        world.broker_answers(L::PUBLISHED_ANSWER);
        world
    }

    /// The broker answers the announcement, and from now on every heartbeat.
    pub(crate) fn broker_answers(&mut self, answer: &'static str) {
        self.answer = Some(answer);
        self.receive(answer);
        self.did();
    }

    /// From now on the broker sends nothing.
    pub(crate) fn broker_dies(&mut self) {
        self.answer = None;
    }

    pub(crate) fn start(&mut self) {
        let outputs = self.owner.start();
        self.note(&outputs);
    }

    pub(crate) fn connected(&mut self) {
        let outputs = self.owner.connected();
        self.note(&outputs);
    }

    pub(crate) fn lost(&mut self) {
        let outputs = self.owner.lost();
        self.note(&outputs);
    }

    pub(crate) fn connect_failed(&mut self) {
        let outputs = self.owner.connect_failed();
        self.note(&outputs);
    }

    /// Advances the time until the next connection is requested, and establishes it. Returns how
    /// long that took.
    pub(crate) fn reconnect(&mut self) -> Duration {
        let before = self.owner.elapsed();
        let connections = self.owner.identities.len();
        while self.owner.identities.len() == connections {
            let deadline = self.owner.next_deadline().expect("another attempt");
            self.advance(deadline - self.owner.elapsed());
        }
        self.connected();
        self.owner.elapsed() - before
    }

    pub(crate) fn receive(&mut self, message: &str) {
        let frames = self.owner.ledger.frames_from_broker(message);
        let outputs = self.owner.receive(frames);
        self.note(&outputs);
    }

    pub(crate) fn input(&mut self, input: impl FnOnce(&mut L::Machine)) {
        let outputs = self.owner.input(|machine, _| input(machine));
        self.note(&outputs);
    }

    /// The owner has reached its limit of queued events and stops reading.
    pub(crate) fn not_reading(&mut self) {
        let outputs = self.owner.input(Machine::handle_not_reading);
        self.note(&outputs);
    }

    pub(crate) fn advance(&mut self, duration: Duration) {
        let answer = self.answer;
        let outputs = self.owner.advance(duration, |message| L::heartbeat_answer(message, answer?));
        self.note(&outputs);
    }

    /// The machine's messages and events since the last call.
    pub(crate) fn did(&mut self) -> Vec<String> {
        std::mem::take(&mut self.did)
    }

    pub(crate) fn note(&mut self, outputs: &[OutputOf<L::Machine>]) {
        for output in outputs {
            let line = match output {
                PeerOutput::Connect(_) => "connect".to_owned(),
                PeerOutput::Send(message) => self.owner.ledger.message_text(message),
                PeerOutput::Disconnect => "disconnect".to_owned(),
                PeerOutput::Event(event) => L::event_text(event),
            };
            self.did.push(line);
        }
    }
}
