//! A client, its clock and its broker, as text: `world.receive("C|3||r1|0|2|{}")` answers
//! `world.request(1)`, and [`World::did`] returns the client's messages and events since its last
//! call.

use pigato_proto::client::{Event, Machine, RequestNumber};
use pigato_proto::config::{ClientOptions, RequestOptions};
use pigato_proto::protocol::{ClientToBroker, Frame, Payload};

use super::support::client::{client, Client, Requests};
use super::support::scenario::{self, Scenario};
use super::support::{frames, text, Machine as _};

/// The default hello of a client.
pub(crate) const HELLO: &str = r#"C|4|{"v":1,"caps":["cancel","credit","codec"],"heartbeat":2500,"credit":1024}"#;

/// The answer of a version 1 broker.
pub(crate) const ANSWER: &str = r#"C|4|{"v":1,"caps":["cancel","credit","codec"],"heartbeat":2500,"name":"B1"}"#;

pub(crate) type World = scenario::World<Requests>;

impl Scenario for Requests {
    type Options = ClientOptions;

    const ANSWER: &'static str = ANSWER;
    const PUBLISHED_ANSWER: &'static str = "C|4";

    fn owner(options: ClientOptions) -> Client {
        client(options, 1)
    }

    fn heartbeat_answer(message: &ClientToBroker, answer: &'static str) -> Option<Vec<Frame>> {
        matches!(message, ClientToBroker::Hello(_)).then(|| frames(answer))
    }

    /// `r1` in the message stands for the id of request 1.
    fn frames_from_broker(&self, message: &str) -> Vec<Frame> {
        let id_of = |frame: &Frame| self.ids.get(&Frame::from(frame.strip_prefix(b"r")?));
        frames(message).into_iter().map(|frame| id_of(&frame).map_or(frame, |id| id.to_frame())).collect()
    }

    /// The message with request ids replaced by request numbers and without the number of the
    /// connection.
    fn message_text(&self, message: &ClientToBroker) -> String {
        let mut frames = Vec::new();
        let mut message = message.clone();
        if let ClientToBroker::Hello(hello) = &mut message {
            hello.session = None;
        }
        Machine::encode(message, &mut frames);
        for (data, id) in &self.ids {
            let name = Frame::from([b"r", &**data].concat());
            frames.iter_mut().filter(|frame| **frame == *id.as_bytes()).for_each(|frame| *frame = name.clone());
        }
        text(&frames)
    }

    fn event_text(event: &Event) -> String {
        match event {
            Event::Connected => "connected".to_owned(),
            Event::Disconnected => "disconnected".to_owned(),
            Event::Stopped => "stopped".to_owned(),
            Event::ProtocolError(malformed) => format!("protocol error {}", malformed.published_name()),
            Event::Partial { number, payload } => format!("{number} partial {}", payload_text(payload)),
            Event::Final { number, payload } => format!("{number} final {}", payload_text(payload)),
            Event::Failed { number, code } => format!("{number} failed {code}"),
        }
    }
}

impl World {
    /// Makes a request whose data is its number.
    pub(crate) fn request(&mut self, number: RequestNumber) {
        self.request_with(number, &RequestOptions::default());
    }

    pub(crate) fn request_with(&mut self, number: RequestNumber, options: &RequestOptions) {
        let outputs = self.owner.request(number, &number.to_string(), options);
        self.note(&outputs);
    }

    pub(crate) fn cancel(&mut self, number: RequestNumber) {
        self.input(|machine| machine.cancel(number));
    }

    pub(crate) fn grant(&mut self, number: RequestNumber, partials: u32) {
        self.input(|machine| machine.grant(number, partials));
    }

    pub(crate) fn heartbeat(&mut self, number: RequestNumber) {
        self.input(|machine| machine.heartbeat(number));
    }

    pub(crate) fn stop(&mut self) {
        let outputs = self.owner.stop();
        self.note(&outputs);
    }
}

fn payload_text(payload: &Payload) -> String {
    let status = payload.status.clone().into_frame();
    text([&status, &payload.data].into_iter().chain(&payload.options).chain(&payload.extra))
}
