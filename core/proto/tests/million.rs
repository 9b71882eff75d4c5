//! What a million requests cost that wait in one broker: memory, and the speed at which they leave it.
//!
//! A test binary of its own, because it reads the memory of its process. The machine takes frames as the sockets make them.

use std::time::{Duration, Instant};

use pigato_proto::broker::{Machine, Message, Output};
use pigato_proto::config::BrokerOptions;
use pigato_proto::entropy::Entropy;
use pigato_proto::limits::DUE_PER_TURN;
use pigato_proto::protocol::{BrokerToWorker, Frame, PeerId};

const MANY: usize = 1_000_000;
const BODY_BYTES: usize = 100;
const MOST_BYTES_EACH: usize = 1_024;

/// So much slower than through an empty queue may a request go through a full one.
const MOST_SLOWDOWN: f64 = 2.0;

/// Requests that are timed, a few at a time and in turns with those they are compared with.
const ROUNDS: usize = 41;
const ROUND: usize = 2_000;

const TIMEOUT: Duration = Duration::from_secs(60);

struct Broker {
    machine: Machine,
    now: Instant,
    client: PeerId,
    worker: PeerId,
    requests: usize,
    handed: Option<(Frame, Frame)>,
}

impl Broker {
    fn new() -> Self {
        Self {
            machine: Machine::new(BrokerOptions::default().intch(None), Entropy::from_number(1)),
            now: clock(),
            client: peer("client"),
            worker: peer("worker"),
            requests: 0,
            handed: None,
        }
    }

    fn request(&mut self) {
        self.requests += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", self.requests);
        let body = "x".repeat(BODY_BYTES);
        let frames = ["C", "2", "echo", &id, &body, r#"{"timeout":60000,"retry":0}"#];
        let client = self.client.clone();
        self.handle(&client, frames.map(Frame::from).to_vec());
    }

    /// Takes one request at a time.
    fn join(&mut self) {
        let worker = self.worker.clone();
        self.handle(&worker, ["W", "1", "echo", r#"{"v":1,"caps":[],"concurrency":1}"#].map(Frame::from).to_vec());
    }

    /// Answers the request that the worker has.
    fn answer(&mut self) {
        let (client, id) = self.handed.take().expect("a request at the worker");
        let [side, kind, nothing, status, data, options] = ["W", "3", "", "0", "2", "{}"].map(Frame::from);
        let worker = self.worker.clone();
        self.handle(&worker, vec![side, kind, client, nothing, id, status, data, options]);
    }

    fn handle(&mut self, peer: &PeerId, mut frames: Vec<Frame>) {
        self.machine.handle_message(self.now, peer, &mut frames);
        while let Some(output) = self.machine.poll_output() {
            if let Output::Send { message: Message::Worker(BrokerToWorker::Request { client, id, .. }), .. } = output {
                self.handed = Some((client.to_frame(), id.to_frame()));
            }
        }
    }
}

/// The one clock here: it measures, nothing waits for it.
#[allow(clippy::disallowed_methods)]
fn clock() -> Instant {
    Instant::now()
}

fn peer(name: &str) -> PeerId {
    PeerId::new(Frame::from(format!("{name:0>36}-00000000-0000-4000-8000-000000000000").as_str()))
}

/// Memory of this process that is resident.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line of that name");
    line.trim().trim_end_matches(" kB").parse::<usize>().expect("a number") << 10
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = clock();
    work();
    begun.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[test]
fn a_million_queued_requests() {
    let before = resident_bytes();
    let mut full = Broker::new();
    (0..MANY).for_each(|_| full.request());
    let bytes_each = (resident_bytes() - before) / MANY;
    println!("{bytes_each} bytes each");
    assert!(bytes_each <= MOST_BYTES_EACH, "{bytes_each} bytes each");

    they_leave_no_slower_than_through_an_empty_queue(&mut full);
    they_expire_a_bounded_number_at_a_time(&mut full);
}

/// Both have the same to do for each request: take it, hand it to the worker, take the answer.
fn they_leave_no_slower_than_through_an_empty_queue(full: &mut Broker) {
    let mut empty = Broker::new();
    empty.join();
    full.join();
    let (mut of_full, mut of_empty) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_empty.push(timed(|| {
            for _ in 0..ROUND {
                empty.request();
                empty.answer();
            }
        }));
        of_full.push(timed(|| {
            for _ in 0..ROUND {
                full.request();
                full.answer();
            }
        }));
    }
    let slowdown = median(of_full).as_secs_f64() / median(of_empty).as_secs_f64();
    println!("{slowdown:.2} times as long as through an empty queue");
    assert!(slowdown <= MOST_SLOWDOWN, "{slowdown:.2} times as long as through an empty queue");
}

fn they_expire_a_bounded_number_at_a_time(full: &mut Broker) {
    full.now += TIMEOUT;
    let waiting = full.machine.statistics().queued as u64;
    assert!(waiting > (MANY - ROUND) as u64, "{waiting} are left to expire");
    let mut longest = Duration::ZERO;
    let mut turns = 0;
    while full.machine.statistics().queued > 0 {
        let before = full.machine.statistics().expired;
        longest = longest.max(timed(|| full.machine.handle_timeout(full.now)));
        turns += 1;
        let ended = full.machine.statistics().expired - before;
        assert!((1..=2 * DUE_PER_TURN as u64).contains(&ended), "{ended} in one turn");
    }
    // Told and not judged: this machine may have other things to do. What a turn costs is held by `make gate`.
    println!("{turns} turns, the longest {longest:?}");
    assert!(full.machine.statistics().expired >= waiting);
}
