//! The broker's steps.

use std::hint::black_box;
use std::time::{Duration, Instant};

use pigato_proto::broker::{Machine, Message, Output};
use pigato_proto::config::BrokerOptions;
use pigato_proto::entropy::Entropy;
use pigato_proto::protocol::{BrokerToWorker, Frame, PeerId, ToBroker};

use super::{BODY, OPTIONS, REQUESTS};
use crate::measured;

/// A broker and its peers.
pub(super) struct Broker {
    machine: Machine,
    now: Instant,
    client: PeerId,
    requests: usize,
    /// The buffer for encoded messages.
    sent: Vec<Frame>,
}

/// A request that was dispatched to a worker.
pub(super) struct Job {
    worker: PeerId,
    client: Frame,
    id: Frame,
}

impl Broker {
    pub(super) fn new() -> Self {
        Self {
            machine: Machine::new(BrokerOptions::default().intch(None), Entropy::from_number(1)),
            now: clock(),
            client: peer("client"),
            requests: 0,
            sent: Vec::new(),
        }
    }

    pub(super) fn worker(&mut self, name: &str, service: &str, concurrency: i64) {
        let hello = format!(r#"{{"v":1,"caps":["cancel","credit","codec"],"concurrency":{concurrency}}}"#);
        self.handle(&peer(name), ["W", "1", service, &hello].map(Frame::from).to_vec());
    }

    /// The frames of a request with a new id.
    pub(super) fn request(&mut self, service: &str) -> Vec<Frame> {
        self.request_with(service, OPTIONS)
    }

    fn request_with(&mut self, service: &str, options: &str) -> Vec<Frame> {
        self.requests += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.requests);
        ["C", "2", service, &id, BODY, options].map(Frame::from).to_vec()
    }

    /// Handles a message of the client and encodes the outputs. Returns the dispatched request, if
    /// any.
    pub(super) fn take(&mut self, frames: Vec<Frame>) -> Option<Job> {
        let client = self.client.clone();
        self.handle(&client, frames)
    }

    fn handle(&mut self, peer: &PeerId, mut frames: Vec<Frame>) -> Option<Job> {
        self.machine.handle_message(self.now, peer, &mut frames);
        self.carry_out()
    }

    fn carry_out(&mut self) -> Option<Job> {
        let mut job = None;
        while let Some(output) = self.machine.poll_output() {
            let Output::Send { peer, message } = output else { continue };
            if let Message::Worker(BrokerToWorker::Request { client, id, .. }) = &message {
                job = Some(Job { worker: peer, client: client.to_frame(), id: id.to_frame() });
            }
            message.encode(&mut self.sent);
            black_box(&self.sent);
            self.sent.clear();
        }
        job
    }

    pub(super) fn answer(&mut self, job: &Job, kind: &str) -> Option<Job> {
        let frames = answer(job, kind);
        self.handle(&job.worker, frames)
    }
}

fn answer(job: &Job, kind: &str) -> Vec<Frame> {
    let [side, kind, nothing, status, data, options] = ["W", kind, "", "0", BODY, "{}"].map(Frame::from);
    vec![side, kind, job.client.clone(), nothing, job.id.clone(), status, data, options]
}

/// An identity as long as a real one.
pub(super) fn peer(name: &str) -> PeerId {
    PeerId::new(Frame::from(format!("{name:0>36}-00000000-0000-4000-8000-000000000000").as_str()))
}

/// An arbitrary origin for time.
#[allow(clippy::disallowed_methods, reason = "nothing waits for it")]
pub(super) fn clock() -> Instant {
    Instant::now()
}

pub(super) fn decode() {
    let mut broker = Broker::new();
    for _ in 0..REQUESTS {
        let mut frames = broker.request("echo");
        measured(&mut || drop(black_box(ToBroker::decode(&mut frames))));
    }
}

/// A broker with one worker without a concurrency limit.
fn with_one_worker() -> Broker {
    let mut broker = Broker::new();
    broker.worker("worker", "echo", -1);
    broker
}

pub(super) fn dispatch() {
    let mut broker = with_one_worker();
    dispatch_to(&mut broker, (0..2 * REQUESTS).map(|_| "echo".to_owned()));
}

/// Makes requests for these names, each answered before the next, and measures the last
/// [`REQUESTS`] of them.
pub(super) fn dispatch_to(broker: &mut Broker, names: impl ExactSizeIterator<Item = String>) {
    let warm_up = names.len() - REQUESTS;
    for (number, name) in names.enumerate() {
        let mut frames = broker.request(&name);
        let mut job = None;
        let mut step = || job = broker.take(std::mem::take(&mut frames));
        if number < warm_up {
            step();
        } else {
            measured(&mut step);
        }
        broker.answer(&job.expect("a free worker"), "3");
    }
}

pub(super) fn queue() {
    let mut broker = Broker::new();
    for _ in 0..REQUESTS {
        let mut frames = broker.request("echo");
        measured(&mut || drop(broker.take(std::mem::take(&mut frames))));
    }
}

pub(super) fn reply_and_next_dispatch() {
    let mut broker = Broker::new();
    broker.worker("worker", "echo", 1);
    let first = broker.request("echo");
    let mut job = broker.take(first).expect("a free worker");
    for _ in 0..REQUESTS {
        let frames = broker.request("echo");
        broker.take(frames);
    }
    for _ in 0..REQUESTS {
        let mut frames = answer(&job, "3");
        let worker = job.worker.clone();
        let mut next = None;
        measured(&mut || next = broker.handle(&worker, std::mem::take(&mut frames)));
        job = next.expect("a request was waiting");
    }
}

pub(super) fn partial() {
    answers("6");
}

pub(super) fn reply() {
    answers("3");
}

fn answers(kind: &str) {
    let mut broker = with_one_worker();
    for _ in 0..REQUESTS {
        let frames = broker.request("echo");
        let job = broker.take(frames).expect("a free worker");
        let mut frames = answer(&job, kind);
        measured(&mut || drop(broker.handle(&job.worker, std::mem::take(&mut frames))));
        if kind != "3" {
            broker.answer(&job, "3");
        }
    }
}

pub(super) fn expiry() {
    let mut broker = Broker::new();
    for _ in 0..REQUESTS {
        let frames = broker.request_with("echo", r#"{"timeout":1000}"#);
        broker.take(frames);
    }
    broker.now += Duration::from_secs(1);
    while broker.machine.statistics().expired < REQUESTS as u64 {
        measured(&mut || {
            broker.machine.handle_timeout(broker.now);
            broker.carry_out();
        });
    }
}
