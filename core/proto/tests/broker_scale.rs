//! The cost of one dispatch grows at most logarithmically with the size of the broker's state.
//!
//! No absolute times: the same work is timed with little and with much state, alternately, and the
//! medians are compared. A linear cost would be 1,000 times larger, a logarithmic one less than 3
//! times.

use std::time::{Duration, Instant};

use pigato_proto::broker::{Machine, Message, Output};
use pigato_proto::config::BrokerOptions;
use pigato_proto::entropy::Entropy;
use pigato_proto::protocol::{BrokerToWorker, Frame, PeerId};

const FEW: usize = 100;
const MANY: usize = 100_000;
/// Timed rounds per size, and requests per round.
const ROUNDS: usize = 31;
const REQUESTS: usize = 50;
const MOST_GROWTH: f64 = 8.0;

struct Broker {
    machine: Machine,
    now: Instant,
    requests: usize,
}

impl Broker {
    fn new() -> Self {
        let options = BrokerOptions::default().max_workers(2 * MANY).intch(None);
        let machine = Machine::new(options, Entropy::from_number(1));
        Self { machine, now: clock(), requests: 0 }
    }

    fn send(&mut self, peer: &str, message: &str) {
        let mut frames = message.split('|').map(Frame::from).collect();
        self.machine.handle_message(self.now, &PeerId::new(Frame::from(peer)), &mut frames);
    }

    /// A worker that never counts as silent, because no time passes in this test.
    fn worker(&mut self, name: &str, service: &str, concurrency: i64) {
        self.send(name, &format!(r#"W|1|{service}|{{"v":1,"caps":[],"concurrency":{concurrency}}}"#));
        self.discard_outputs();
    }

    fn request(&mut self, service: &str) -> String {
        let id = format!("r{}", self.requests);
        self.requests += 1;
        self.send("client", &format!("C|2|{service}|{id}|1|{{}}"));
        id
    }

    /// Makes `REQUESTS` requests, each answered by the worker that received it.
    fn round_trips(&mut self, services: impl Fn(usize) -> String) {
        for number in 0..REQUESTS {
            self.request(&services(number));
            self.answer_all();
        }
    }

    /// Answers every request just dispatched; returns their number.
    fn answer_all(&mut self) -> usize {
        let mut dispatched = Vec::new();
        while let Some(output) = self.machine.poll_output() {
            if let Output::Send { peer, message: Message::Worker(BrokerToWorker::Request { client, id, .. }) } = output
            {
                dispatched.push((peer, client, id));
            }
        }
        for (worker, client, id) in &dispatched {
            let frames = ["W", "3"].map(Frame::from).into_iter();
            let frames = frames.chain([client.to_frame(), Frame::default(), id.to_frame()]);
            let mut frames = frames.chain(["0", "2", "{}"].map(Frame::from)).collect();
            self.machine.handle_message(self.now, worker, &mut frames);
        }
        dispatched.len()
    }

    fn discard_outputs(&mut self) {
        while self.machine.poll_output().is_some() {}
    }
}

/// The only clock of these tests; it only measures.
#[allow(clippy::disallowed_methods)]
fn clock() -> Instant {
    Instant::now()
}

/// Compares the time of `work` on two brokers that `fill` prepared with few and with many items.
fn assert_no_growth(fill: impl Fn(&mut Broker, usize), work: impl Fn(&mut Broker, usize)) {
    let mut brokers = [FEW, MANY].map(|size| {
        let mut broker = Broker::new();
        fill(&mut broker, size);
        (broker, size, Vec::new())
    });
    for _ in 0..ROUNDS {
        for (broker, size, times) in &mut brokers {
            let begin = clock();
            work(broker, *size);
            times.push(begin.elapsed());
        }
    }
    let [few, many] = brokers.map(|(_, _, times)| median(times));
    let growth = many.as_secs_f64() / few.as_secs_f64();
    assert!(growth < MOST_GROWTH, "{FEW}: {few:?}, {MANY}: {many:?}, {growth:.1} times as much");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[test]
fn cost_with_requests_queued_for_the_same_worker() {
    assert_no_growth(
        |broker, size| {
            broker.worker("w1", "echo", 1);
            for _ in 0..size {
                broker.request("echo");
            }
        },
        // Each answer dispatches the next request, so the queue length stays the same.
        |broker, _| {
            for _ in 0..REQUESTS {
                broker.request("echo");
                assert_eq!(broker.answer_all(), 1);
            }
        },
    );
}

#[test]
fn cost_with_requests_queued_for_other_workers() {
    assert_no_growth(
        |broker, size| {
            broker.worker("w1", "echo", 1);
            for number in 0..size {
                broker.request(&format!("nobody {}", number % 1_000));
            }
        },
        |broker, _| broker.round_trips(|_| "echo".to_owned()),
    );
}

#[test]
fn cost_with_requests_that_target_one_worker() {
    assert_no_growth(
        |broker, size| {
            broker.worker("w1", "echo", 1);
            for number in 0..size {
                broker.send("client", &format!(r#"C|2|echo|t{number}|1|{{"workerId":"nobody"}}"#));
            }
        },
        |broker, _| broker.round_trips(|_| "echo".to_owned()),
    );
}

#[test]
fn cost_with_workers_of_the_same_service() {
    assert_no_growth(
        |broker, size| (0..size).for_each(|number| broker.worker(&format!("w{number}"), "echo", 1)),
        |broker, _| broker.round_trips(|_| "echo".to_owned()),
    );
}

#[test]
fn cost_with_services() {
    assert_no_growth(
        |broker, size| {
            (0..size).for_each(|number| broker.worker(&format!("w{number}"), &format!("service {number}"), 1));
        },
        |broker, size| broker.round_trips(|number| format!("service {}", number * 7_919 % size)),
    );
}

#[test]
fn cost_with_names_under_a_wildcard() {
    assert_no_growth(
        |broker, size| {
            broker.worker("w1", "echo*", -1);
            (0..size).for_each(|number| drop(broker.request(&format!("echo{number}"))));
            broker.answer_all();
        },
        |broker, size| broker.round_trips(|number| format!("echo{}", number * 7_919 % size)),
    );
}

#[test]
fn cost_with_requests_in_flight() {
    assert_no_growth(
        |broker, size| {
            broker.worker("w1", "echo", -1);
            (0..size).for_each(|_| drop(broker.request("echo")));
            broker.discard_outputs();
        },
        |broker, _| broker.round_trips(|_| "echo".to_owned()),
    );
}

#[test]
fn cost_with_requests_queued_while_their_worker_restarts() {
    assert_no_growth(
        |broker, size| (0..size).for_each(|_| drop(broker.request("echo"))),
        |broker, _| {
            for _ in 0..REQUESTS {
                broker.request("echo");
                broker.worker("w1", "echo", 1);
                broker.send("w1", "W|5");
                broker.discard_outputs();
            }
        },
    );
}
