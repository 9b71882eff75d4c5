//! After a warm-up, a request costs a broker no allocation, neither in its machine nor for its
//! frames. Allocations of libzmq are not counted; `core/frame/tests/sockets.rs` shows that libzmq
//! copies no body.

use std::time::Instant;

use allocation_counter::measure;
use pigato::broker::{Machine, Message, Output};
use pigato::config::BrokerOptions;
use pigato::entropy::Entropy;
use pigato::protocol::{BrokerToWorker, Frame, PeerId, RequestId};
use pigato_frame::{Context, Receiver};

/// Requests before the measurement, after which tables and queues have their final size.
const WARM_UP: usize = 5_000;
const REQUESTS: usize = 1_000;

/// The options that our clients send.
const OPTIONS: &str = r#"{"timeout":60000,"retry":0}"#;

/// A broker's machine with its reactor's buffers, a client and a worker.
struct Broker {
    machine: Machine,
    now: Instant,
    client: PeerId,
    worker: PeerId,
    received: Vec<Frame>,
    sent: Vec<Frame>,
    jobs: Vec<(Frame, Frame)>,
}

impl Broker {
    #[allow(clippy::disallowed_methods, reason = "a point to count from")]
    fn new() -> Self {
        let identity = |side| PeerId::new(Frame::from(format!("{side}{0}-{0}", uuid::Uuid::nil())));
        let mut broker = Self {
            machine: Machine::new(BrokerOptions::default().intch(None), Entropy::from_number(1)),
            now: Instant::now(),
            client: identity('C'),
            worker: identity('W'),
            received: Vec::new(),
            sent: Vec::new(),
            jobs: Vec::new(),
        };
        let hello = r#"{"v":1,"caps":["cancel","credit","codec"],"concurrency":-1}"#;
        broker.received.extend(["W", "1", "echo", hello].map(Frame::from));
        broker.take_from_worker();
        broker.received.extend(["C", "4"].map(Frame::from));
        broker.take_from_client();
        broker
    }

    fn take_from_client(&mut self) {
        self.machine.handle_message(self.now, &self.client, &mut self.received);
        self.carry_out();
    }

    fn take_from_worker(&mut self) {
        self.machine.handle_message(self.now, &self.worker, &mut self.received);
        self.carry_out();
    }

    fn carry_out(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            let Output::Send { message, .. } = output else { continue };
            if let Message::Worker(BrokerToWorker::Request { client, id, .. }) = &message {
                self.jobs.push((client.to_frame(), id.to_frame()));
            }
            message.encode(&mut self.sent);
            self.sent.clear();
        }
    }

    fn request(&mut self, number: usize, body: &Frame) {
        let id = RequestId::make(uuid::Uuid::from_u128(number as u128)).to_frame();
        let frames = [Frame::from("C"), "2".into(), "echo".into(), id, body.clone(), OPTIONS.into()];
        self.received.extend(frames);
        self.take_from_client();
    }

    fn answer(&mut self, kind: &str, body: &Frame) {
        let (client, id) = if kind == "3" { self.jobs.pop().unwrap() } else { self.jobs.last().cloned().unwrap() };
        let frames = [Frame::from("W"), kind.into(), client, "".into(), id, "0".into(), body.clone(), "{}".into()];
        self.received.extend(frames);
        self.take_from_worker();
    }
}

fn body(bytes: usize) -> Frame {
    Frame::from(vec![b'x'; bytes])
}

/// Counts the allocations of `REQUESTS` steps after the warm-up.
fn allocations(mut step: impl FnMut(usize)) -> u64 {
    (0..WARM_UP).for_each(&mut step);
    measure(|| (WARM_UP..WARM_UP + REQUESTS).for_each(&mut step)).count_total
}

#[test]
fn a_request_and_its_reply_cost_the_broker_no_allocation() {
    for bytes in [5, 10_000] {
        let (mut broker, body) = (Broker::new(), body(bytes));
        let count = allocations(|number| {
            broker.request(number, &body);
            broker.answer("3", &body);
        });
        assert_eq!(count, 0, "in {REQUESTS} requests of {bytes} bytes");
    }
}

#[test]
fn a_partial_reply_costs_the_broker_no_allocation() {
    let (mut broker, body) = (Broker::new(), body(5));
    broker.request(0, &body);
    assert_eq!(allocations(|_| broker.answer("6", &body)), 0, "in {REQUESTS} partial replies");
}

#[test]
fn a_queued_request_costs_the_broker_a_fraction_of_an_allocation() {
    const WAITING: usize = 100;
    let (mut broker, body) = (Broker::new(), body(5));
    broker.received.extend(["W", "4", "", r#"{"concurrency":1}"#].map(Frame::from));
    broker.take_from_worker();
    (0..WAITING).for_each(|number| broker.request(number, &body));
    let count = allocations(|number| {
        broker.request(WAITING + number, &body);
        broker.answer("3", &body);
    });
    // The queue is an ordered map, which allocates nodes for several entries.
    assert!(count < REQUESTS as u64 / 4, "{count} in {REQUESTS} requests that waited behind {WAITING}");
}

/// A broker does this with the data of a request that it may have to send again.
#[test]
fn receiving_storing_and_forwarding_a_frame_costs_no_allocation() {
    let context = Context::new(8, 1).unwrap();
    let [sender, incoming, outgoing, receiver] = [(); 4].map(|()| context.socket(zmq::PAIR).unwrap());
    for (one, other) in [(&incoming, &sender), (&outgoing, &receiver)] {
        one.bind("tcp://127.0.0.1:*").unwrap();
        other.connect(&one.get_last_endpoint().unwrap().unwrap()).unwrap();
    }
    let ready = |socket: &zmq::Socket, event| assert_eq!(socket.poll(event, 60_000), Ok(1), "ready within a minute");
    let mut count = 0;
    for bytes in [5, 79, 1_000, 100_000] {
        sender.send(vec![0; bytes], 0).unwrap();
        ready(&incoming, zmq::POLLIN);
        ready(&outgoing, zmq::POLLOUT);
        let mut kept = None;
        let passed = measure(|| {
            let (frame, _) = Receiver::default().receive(&incoming).unwrap();
            frame.clone().send(&outgoing, false).unwrap();
            kept = Some(frame);
        });
        count += passed.count_total;
        ready(&receiver, zmq::POLLIN);
        assert_eq!(kept.unwrap().len(), receiver.recv_bytes(0).unwrap().len());
    }
    assert_eq!(count, 0);
}
