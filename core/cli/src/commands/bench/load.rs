//! What a client does: requests at a pace, and how long they took.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::stream::{FuturesUnordered, StreamExt};
use hdrhistogram::Histogram;
use pigato::protocol::Frame;
use pigato::{Client, Response};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::exit::Failure;

/// The longest latency that is told from longer ones, in nanoseconds: an hour.
const LONGEST: u64 = 3_600_000_000_000;

/// So much before a request is due the thread stops sleeping, which is never exact, and waits awake.
const AWAKE: Duration = Duration::from_micros(100);

/// What each client of a bench does.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) pace: Pace,
    pub(super) body_bytes: usize,
    /// Without a reply.
    pub(super) timeout: Duration,
    pub(super) services: Vec<String>,
}

/// When the next request is made.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum Pace {
    /// When fewer than so many are under way.
    InFlight(u32),
    /// So many a second.
    Rate(f64),
}

/// Latencies in nanoseconds.
pub(super) type Latencies = Histogram<u64>;

pub(super) fn latencies() -> Latencies {
    Histogram::new_with_bounds(1, LONGEST, 3).expect("bounds that make sense")
}

/// What became of one client's requests.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// From the first request to the last answer.
    pub(super) seconds: f64,
    /// Latencies of those that were answered, in nanoseconds, and how many had each.
    pub(super) latencies: Vec<(u64, u64)>,
    /// How many failed with which code.
    pub(super) failed: BTreeMap<String, u64>,
}

/// Latencies and failures as they come.
struct Tally<'a> {
    latencies: Latencies,
    failed: BTreeMap<String, u64>,
    /// Requests that have ended, for whoever watches.
    ended: &'a AtomicU64,
}

impl Tally<'_> {
    fn note(&mut self, (latency, failure): Ended) {
        match failure {
            None => self.latencies.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).max(1)),
            Some(code) => *self.failed.entry(code).or_default() += 1,
        }
        self.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// A request's latency, and why it failed if it did.
type Ended = (Duration, Option<String>);

async fn end(began: Instant, response: Response) -> Ended {
    let outcome = response.finish().await;
    let failure = outcome.err().map(|error| error.code().map_or_else(|| error.to_string(), |code| code.to_string()));
    (began.elapsed(), failure)
}

/// A client that has connected.
pub(super) struct Load {
    client: Client,
    plan: Plan,
    body: Frame,
}

impl Load {
    pub(super) fn new(client: Client, plan: Plan) -> Self {
        let body = Frame::from(vec![b'x'; plan.body_bytes]);
        Self { client, plan, body }
    }

    fn send(&self, number: u64) -> Response {
        let service = &self.plan.services[(number % self.plan.services.len() as u64) as usize];
        self.client.request_raw(service, self.body.clone()).send()
    }

    /// Makes so many requests and waits for their ends, which `ended` counts.
    pub(super) fn run(&self, requests: u64, ended: &AtomicU64) -> Result<Outcome, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(Failure::system)?;
        let mut tally = Tally { latencies: latencies(), failed: BTreeMap::new(), ended };
        let start = Instant::now();
        match self.plan.pace {
            Pace::InFlight(most) => runtime.block_on(self.keep_in_flight(u64::from(most), requests, &mut tally)),
            // The thread that makes requests does nothing else, so that no answer holds one up.
            Pace::Rate(rate) => std::thread::scope(|scope| {
                let (sent, due) = mpsc::unbounded_channel();
                scope.spawn(move || self.keep_rate(rate, requests, &sent));
                runtime.block_on(collect(due, &mut tally));
            }),
        }
        let seconds = start.elapsed().as_secs_f64();
        let latencies = tally.latencies.iter_recorded();
        let latencies = latencies.map(|step| (step.value_iterated_to(), step.count_at_value())).collect();
        Ok(Outcome { seconds, latencies, failed: tally.failed })
    }

    async fn keep_in_flight(&self, most: u64, requests: u64, tally: &mut Tally<'_>) {
        let request = |number| end(Instant::now(), self.send(number));
        let mut sent = most.min(requests);
        let mut in_flight: FuturesUnordered<_> = (0..sent).map(request).collect();
        while let Some(ended) = in_flight.next().await {
            tally.note(ended);
            if sent < requests {
                in_flight.push(request(sent));
                sent += 1;
            }
        }
    }

    fn keep_rate(&self, rate: f64, requests: u64, sent: &mpsc::UnboundedSender<(Instant, Response)>) {
        let start = Instant::now();
        for number in 0..requests {
            let due = start + Duration::from_secs_f64(number as f64 / rate);
            wait_until(due);
            if sent.send((due, self.send(number))).is_err() {
                return;
            }
        }
    }
}

/// Waits for the ends of requests that another thread makes.
async fn collect(mut sent: mpsc::UnboundedReceiver<(Instant, Response)>, tally: &mut Tally<'_>) {
    let mut in_flight = FuturesUnordered::new();
    let mut is_sending = true;
    while is_sending || !in_flight.is_empty() {
        tokio::select! {
            Some(ended) = in_flight.next() => tally.note(ended),
            request = sent.recv(), if is_sending => match request {
                Some((due, response)) => in_flight.push(end(due, response)),
                None => is_sending = false,
            },
        }
    }
}

/// Sleeps most of the time and waits awake for the rest.
fn wait_until(due: Instant) {
    let left = due.saturating_duration_since(Instant::now());
    if left > AWAKE {
        std::thread::sleep(left - AWAKE);
    }
    while Instant::now() < due {
        std::hint::spin_loop();
    }
}
