//! The client's and the worker's steps.

use std::hint::black_box;
use std::time::Instant;

use pigato_proto::config::{ClientOptions, RequestOptions, WorkerOptions};
use pigato_proto::entropy::Entropy;
use pigato_proto::protocol::{BrokerToWorker, Frame, Payload, ReplyKind, ServiceName, Status};
use pigato_proto::session::PeerOutput;
use pigato_proto::{client, worker};

use super::broker::{clock, peer};
use super::{BODY, OPTIONS, REQUESTS};
use crate::measured;

const HELLO: &str = r#"{"v":1,"caps":["cancel","credit","codec"],"heartbeat":2500,"name":"B"}"#;

fn frames<const N: usize>(texts: [&str; N]) -> Vec<Frame> {
    texts.map(Frame::from).to_vec()
}

fn echo() -> ServiceName {
    ServiceName::new(Frame::from("echo")).expect("a short name")
}

/// A connected client and the frames that it sends.
struct Client {
    machine: client::Machine,
    now: Instant,
    sent: Vec<Frame>,
}

impl Client {
    fn new() -> Self {
        let machine = client::Machine::new(ClientOptions::default(), Entropy::from_number(1));
        let mut client = Self { machine, now: clock(), sent: Vec::new() };
        client.machine.start();
        client.machine.handle_connected(client.now);
        client.machine.handle_message(client.now, &mut frames(["C", "4", HELLO]));
        client.carry_out();
        client
    }

    fn request(&mut self, number: usize) {
        let (service, data) = (echo(), Frame::from(BODY));
        self.machine.request(self.now, number as u64, service, data, &RequestOptions::default());
        self.carry_out();
    }

    /// Encodes the messages to send; keeps the last one.
    fn carry_out(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                PeerOutput::Send(message) => {
                    self.sent.clear();
                    message.encode(&mut self.sent);
                }
                other => drop(black_box(other)),
            }
        }
    }

    fn take(&mut self, mut frames: Vec<Frame>) {
        self.machine.handle_message(self.now, &mut frames);
        self.carry_out();
    }

    /// The reply to the last request.
    fn reply(&self) -> Vec<Frame> {
        let mut reply = frames(["C", "3", "", "", "0", BODY, "{}"]);
        reply[3] = self.sent[3].clone();
        reply
    }
}

pub(super) fn client_request() {
    let mut client = Client::new();
    for number in 0..REQUESTS {
        measured(&mut || client.request(number));
        client.take(client.reply());
    }
}

pub(super) fn client_reply() {
    let mut client = Client::new();
    for number in 0..REQUESTS {
        client.request(number);
        let mut reply = client.reply();
        measured(&mut || client.take(std::mem::take(&mut reply)));
    }
    assert_eq!(client.machine.unanswered(), 0);
}

/// A connected worker.
struct Worker {
    machine: worker::Machine,
    now: Instant,
    sent: Vec<Frame>,
}

impl Worker {
    fn new() -> Self {
        let machine = worker::Machine::new(echo(), WorkerOptions::default(), Entropy::from_number(1));
        let mut worker = Self { machine, now: clock(), sent: Vec::new() };
        worker.machine.start();
        worker.machine.handle_connected(worker.now);
        worker.take(frames(["W", "1", HELLO]));
        worker
    }

    /// Handles a message; returns the number of a request.
    fn take(&mut self, mut frames: Vec<Frame>) -> Option<worker::RequestNumber> {
        self.machine.handle_message(self.now, &mut frames);
        self.carry_out()
    }

    fn carry_out(&mut self) -> Option<worker::RequestNumber> {
        let mut request = None;
        while let Some(output) = self.machine.poll_output() {
            match output {
                PeerOutput::Send(message) => {
                    self.sent.clear();
                    message.encode(&mut self.sent);
                }
                PeerOutput::Event(worker::Event::Request(delivered)) => request = Some(delivered.number),
                other => drop(black_box(other)),
            }
        }
        request
    }

    fn reply(&mut self, number: worker::RequestNumber) {
        let payload = Payload::new(Status::Ok, Frame::from(BODY), Frame::from("{}"));
        self.machine.reply(self.now, number, ReplyKind::Final, payload);
        self.carry_out();
    }
}

/// A request as the broker sends it to a worker.
fn delivered(number: usize) -> Vec<Frame> {
    let id = format!("00000000-0000-4000-8000-{number:012}");
    let mut frames = frames(["W", "2", "", "echo", "", &id, BODY, OPTIONS]);
    frames[2] = peer("client").to_frame();
    let request = BrokerToWorker::decode(&mut frames.clone());
    assert!(matches!(request, Ok(BrokerToWorker::Request { .. })));
    frames
}

pub(super) fn worker_request() {
    let mut worker = Worker::new();
    for number in 0..REQUESTS {
        let mut frames = delivered(number);
        let mut number = None;
        measured(&mut || number = worker.take(std::mem::take(&mut frames)));
        worker.reply(number.expect("a request"));
    }
}

pub(super) fn worker_reply() {
    let mut worker = Worker::new();
    for number in 0..REQUESTS {
        let number = worker.take(delivered(number)).expect("a request");
        measured(&mut || worker.reply(number));
    }
    assert_eq!(worker.machine.in_flight(), 0);
}
