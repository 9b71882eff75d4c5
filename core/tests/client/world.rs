//! A client, its clock and its broker, as text: `world.receive("C|3||r1|0|2|{}")` answers
//! `world.request(1)`, and [`World::did`] returns the client's messages and events since its last
//! call.

use std::time::Duration;

use pigato::client::{Event, Machine, Output, Token};
use pigato::config::{ClientOptions, RequestOptions};
use pigato::protocol::{ClientToBroker, Frame, Payload};

use super::support::client::{client, Client};
use super::support::{frames, text, Machine as _};

/// The default hello of a client.
pub(crate) const HELLO: &str = r#"C|4|{"v":1,"caps":["cancel","credit","codec"],"heartbeat":2500,"credit":1024}"#;

/// The answer of a version 1 broker.
pub(crate) const ANSWER: &str = r#"C|4|{"v":1,"caps":["cancel","credit","codec"],"heartbeat":2500,"name":"B1"}"#;

pub(crate) struct World {
    pub(crate) client: Client,
    did: Vec<String>,
    /// The broker's answer to each heartbeat, if it is alive.
    answer: Option<&'static str>,
}

impl World {
    /// A client that is not started.
    pub(crate) fn new(options: ClientOptions) -> Self {
        Self { client: client(options, 1), did: Vec::new(), answer: None }
    }

    /// A client whose connection is up, with a broker that sends nothing.
    pub(crate) fn up() -> Self {
        Self::up_with(ClientOptions::default())
    }

    pub(crate) fn up_with(options: ClientOptions) -> Self {
        let mut world = Self::new(options);
        world.start();
        world.connected();
        world.did();
        world
    }

    /// A client whose broker answers every heartbeat with [`ANSWER`].
    pub(crate) fn alive() -> Self {
        Self::alive_with(ClientOptions::default())
    }

    pub(crate) fn alive_with(options: ClientOptions) -> Self {
        let mut world = Self::up_with(options);
        world.broker_answers(ANSWER);
        world
    }

    /// Like [`World::alive`], with a broker of version 0.
    pub(crate) fn published() -> Self {
        let mut world = Self::up();
        world.broker_answers("C|4");
        world
    }

    /// From now on the broker answers each heartbeat, and has just sent an answer.
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
        let outputs = self.client.start();
        self.note(&outputs);
    }

    pub(crate) fn connected(&mut self) {
        let outputs = self.client.connected();
        self.note(&outputs);
    }

    pub(crate) fn lost(&mut self) {
        let outputs = self.client.lost();
        self.note(&outputs);
    }

    pub(crate) fn connect_failed(&mut self) {
        let outputs = self.client.connect_failed();
        self.note(&outputs);
    }

    /// Advances the time until the next connection is requested, and establishes it. Returns how
    /// long that took.
    pub(crate) fn reconnect(&mut self) -> Duration {
        let before = self.client.elapsed();
        let connections = self.client.identities.len();
        while self.client.identities.len() == connections {
            let deadline = self.client.next_deadline().expect("another attempt");
            self.advance(deadline - self.client.elapsed());
        }
        self.connected();
        self.client.elapsed() - before
    }

    /// Receives a message from the broker; `r1` in it stands for the id of request 1.
    pub(crate) fn receive(&mut self, message: &str) {
        let named = frames(message).into_iter().map(|frame| match self.request_named(&frame) {
            Some(data) => self.client.ledger.ids[&data].to_frame(),
            None => frame,
        });
        let named = named.collect();
        let outputs = self.client.receive(named);
        self.note(&outputs);
    }

    fn request_named(&self, frame: &Frame) -> Option<Frame> {
        let data = Frame::from(frame.strip_prefix(b"r")?);
        self.client.ledger.ids.contains_key(&data).then_some(data)
    }

    /// Makes a request whose data is its number.
    pub(crate) fn request(&mut self, token: Token) {
        self.request_with(token, &RequestOptions::default());
    }

    pub(crate) fn request_with(&mut self, token: Token, options: &RequestOptions) {
        let outputs = self.client.request(token, &token.to_string(), options);
        self.note(&outputs);
    }

    pub(crate) fn cancel(&mut self, token: Token) {
        self.input(|machine| machine.cancel(token));
    }

    pub(crate) fn grant(&mut self, token: Token, partials: u32) {
        self.input(|machine| machine.grant(token, partials));
    }

    pub(crate) fn heartbeat(&mut self, token: Token) {
        self.input(|machine| machine.heartbeat(token));
    }

    pub(crate) fn stop(&mut self) {
        let outputs = self.client.stop();
        self.note(&outputs);
    }

    fn input(&mut self, input: impl FnOnce(&mut Machine)) {
        let outputs = self.client.input(|machine, _| input(machine));
        self.note(&outputs);
    }

    /// The owner has reached its limit of queued events and stops reading.
    pub(crate) fn not_reading(&mut self) {
        let outputs = self.client.input(|machine, now| machine.handle_not_reading(now));
        self.note(&outputs);
    }

    pub(crate) fn advance(&mut self, duration: Duration) {
        let answer = self.answer;
        let outputs = self.client.advance(duration, |message| match message {
            ClientToBroker::Hello(_) => answer.map(frames),
            _ => None,
        });
        self.note(&outputs);
    }

    /// The client's messages and events since the last call.
    pub(crate) fn did(&mut self) -> Vec<String> {
        std::mem::take(&mut self.did)
    }

    fn note(&mut self, outputs: &[Output]) {
        for output in outputs {
            let line = match output {
                Output::Connect(_) => "connect".to_owned(),
                Output::Send(message) => self.message_text(message),
                Output::Disconnect => "disconnect".to_owned(),
                Output::Event(event) => event_text(event),
            };
            self.did.push(line);
        }
    }

    /// A message as text, with request ids replaced by request numbers and without the number of
    /// the connection.
    fn message_text(&self, message: &ClientToBroker) -> String {
        let mut frames = Vec::new();
        let mut message = message.clone();
        if let ClientToBroker::Hello(hello) = &mut message {
            hello.session = None;
        }
        Machine::encode(message, &mut frames);
        for (data, id) in &self.client.ledger.ids {
            let name = Frame::from([b"r", &**data].concat());
            frames.iter_mut().filter(|frame| **frame == *id.as_bytes()).for_each(|frame| *frame = name.clone());
        }
        text(&frames)
    }
}

fn event_text(event: &Event) -> String {
    match event {
        Event::Connected => "connected".to_owned(),
        Event::Disconnected => "disconnected".to_owned(),
        Event::Stopped => "stopped".to_owned(),
        Event::ProtocolError(malformed) => format!("protocol error {}", malformed.published_name()),
        Event::Partial { token, payload } => format!("{token} partial {}", payload_text(payload)),
        Event::Final { token, payload } => format!("{token} final {}", payload_text(payload)),
        Event::Failed { token, code } => format!("{token} failed {code}"),
        other => panic!("an event without a text: {other:?}"),
    }
}

fn payload_text(payload: &Payload) -> String {
    let status = payload.status.clone().into_frame();
    text([&status, &payload.data].into_iter().chain(&payload.options).chain(&payload.extra))
}
