//! The cost of 1,000,000 requests that wait in one broker: memory, and the rate at which they leave
//! it.
//!
//! A separate test binary, because it reads the memory of its process. The machine receives frames
//! as sockets produce them.

use std::time::{Duration, Instant};

use pigato_proto::broker::{Machine, Message, Output};
use pigato_proto::config::BrokerOptions;
use pigato_proto::entropy::Entropy;
use pigato_proto::limits::DUE_PER_TURN;
use pigato_proto::protocol::{BrokerToWorker, Frame, PeerId};

const MANY: usize = 1_000_000;
const BODY_BYTES: usize = 100;
const MOST_BYTES_EACH: usize = 1_024;

/// Maximum ratio of the time of a request through a full queue to one through an empty queue.
const MOST_SLOWDOWN: f64 = 2.0;

/// Rounds of timed requests, which alternate with the rounds that they are compared with.
const ROUNDS: usize = 41;
const ROUND: usize = 2_000;

const TIMEOUT: Duration = Duration::from_secs(60);

struct Broker {
    machine: Machine,
    now: Instant,
    client: PeerId,
    worker: PeerId,
    requests: usize,
    job: Option<(Frame, Frame)>,
}

impl Broker {
    fn new() -> Self {
        Self {
            machine: Machine::new(BrokerOptions::default().intch(None), Entropy::from_number(1)),
            now: clock(),
            client: peer("client"),
            worker: peer("worker"),
            requests: 0,
            job: None,
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

    /// Registers the worker with a concurrency of 1.
    fn join(&mut self) {
        let worker = self.worker.clone();
        self.handle(&worker, ["W", "1", "echo", r#"{"v":1,"caps":[],"concurrency":1}"#].map(Frame::from).to_vec());
    }

    /// Answers the worker's job.
    fn answer(&mut self) {
        let (client, id) = self.job.take().expect("a request at the worker");
        let [side, kind, nothing, status, data, options] = ["W", "3", "", "0", "2", "{}"].map(Frame::from);
        let worker = self.worker.clone();
        self.handle(&worker, vec![side, kind, client, nothing, id, status, data, options]);
    }

    fn handle(&mut self, peer: &PeerId, mut frames: Vec<Frame>) {
        self.machine.handle_message(self.now, peer, &mut frames);
        while let Some(output) = self.machine.poll_output() {
            if let Output::Send { message: Message::Worker(BrokerToWorker::Request { client, id, .. }), .. } = output {
                self.job = Some((client.to_frame(), id.to_frame()));
            }
        }
    }
}

/// The only clock here; it only measures.
#[allow(clippy::disallowed_methods)]
fn clock() -> Instant {
    Instant::now()
}

fn peer(name: &str) -> PeerId {
    PeerId::new(Frame::from(format!("{name:0>36}-00000000-0000-4000-8000-000000000000").as_str()))
}

/// Resident memory of this process.
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

    check_rate_through_the_full_queue(&mut full);
    check_expiry_in_bounded_batches(&mut full);
}

/// Both brokers do the same work for each request: accept it, dispatch it, forward the reply.
fn check_rate_through_the_full_queue(full: &mut Broker) {
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

fn check_expiry_in_bounded_batches(full: &mut Broker) {
    full.now += TIMEOUT;
    let waiting = full.machine.statistics().queued as u64;
    assert!(waiting > (MANY - ROUND) as u64, "only {waiting} are left to expire");
    let mut longest = Duration::ZERO;
    let mut turns = 0;
    while full.machine.statistics().queued > 0 {
        let before = full.machine.statistics().expired;
        longest = longest.max(timed(|| full.machine.handle_timeout(full.now)));
        turns += 1;
        let ended = full.machine.statistics().expired - before;
        assert!((1..=2 * DUE_PER_TURN as u64).contains(&ended), "{ended} expired in one turn");
    }
    // Printed but not checked: other processes may delay this machine. The regression gate
    // (`make gate`) limits the cost of a turn.
    println!("{turns} turns, the longest {longest:?}");
    assert!(full.machine.statistics().expired >= waiting);
}
