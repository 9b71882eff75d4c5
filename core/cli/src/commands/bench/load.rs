//! A client's load: sends requests at a pace and measures their latencies.

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

/// The largest latency that the histogram distinguishes: 1 hour in nanoseconds.
const MAX_LATENCY: u64 = 3_600_000_000_000;

/// How long before a scheduled time the thread changes from sleeping, which is inexact, to
/// spinning.
const SPIN: Duration = Duration::from_micros(100);

/// The load that each client generates.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) pace: Pace,
    pub(super) body_bytes: usize,
    pub(super) timeout: Duration,
    pub(super) services: Vec<String>,
}

/// When a client sends its next request.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) enum Pace {
    /// When fewer than this many requests are in flight.
    InFlight(u32),
    /// At this many requests per second.
    Rate(f64),
}

/// Latencies in nanoseconds.
pub(super) type Latencies = Histogram<u64>;

pub(super) fn latencies() -> Latencies {
    Histogram::new_with_bounds(1, MAX_LATENCY, 3).expect("valid bounds")
}

/// The outcome of one client's requests.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// From the first request to the last reply.
    pub(super) seconds: f64,
    /// Latencies of answered requests in nanoseconds, with the number of requests for each.
    pub(super) latencies: Vec<(u64, u64)>,
    /// Number of failed requests by error code.
    pub(super) failed: BTreeMap<String, u64>,
}

/// Collects latencies and failures.
struct Tally<'a> {
    latencies: Latencies,
    failed: BTreeMap<String, u64>,
    /// Number of ended requests, read by the thread that reports progress.
    ended: &'a AtomicU64,
}

impl Tally<'_> {
    fn record(&mut self, (latency, failure): Ended) {
        match failure {
            None => self.latencies.saturating_record(u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX).max(1)),
            Some(code) => *self.failed.entry(code).or_default() += 1,
        }
        self.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// The latency of an ended request, and its error if it failed.
type Ended = (Duration, Option<String>);

async fn end(began: Instant, response: Response) -> Ended {
    let outcome = response.finish().await;
    let failure = outcome.err().map(|error| error.code().map_or_else(|| error.to_string(), |code| code.to_string()));
    (began.elapsed(), failure)
}

/// A started client and its plan.
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

    /// Sends `requests` requests and waits until all have ended. `ended` counts the ended ones.
    pub(super) fn run(&self, requests: u64, ended: &AtomicU64) -> Result<Outcome, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(Failure::system)?;
        let mut tally = Tally { latencies: latencies(), failed: BTreeMap::new(), ended };
        let start = Instant::now();
        match self.plan.pace {
            Pace::InFlight(limit) => runtime.block_on(self.keep_in_flight(u64::from(limit), requests, &mut tally)),
            // A separate thread sends the requests, so that handling replies does not delay them.
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

    async fn keep_in_flight(&self, limit: u64, requests: u64, tally: &mut Tally<'_>) {
        let request = |number| end(Instant::now(), self.send(number));
        let mut sent = limit.min(requests);
        let mut in_flight: FuturesUnordered<_> = (0..sent).map(request).collect();
        while let Some(ended) = in_flight.next().await {
            tally.record(ended);
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

/// Waits until the requests that another thread sends have ended.
async fn collect(mut sent: mpsc::UnboundedReceiver<(Instant, Response)>, tally: &mut Tally<'_>) {
    let mut in_flight = FuturesUnordered::new();
    let mut is_sending = true;
    while is_sending || !in_flight.is_empty() {
        tokio::select! {
            Some(ended) = in_flight.next() => tally.record(ended),
            request = sent.recv(), if is_sending => match request {
                Some((due, response)) => in_flight.push(end(due, response)),
                None => is_sending = false,
            },
        }
    }
}

/// Sleeps until shortly before `due`, then spins.
fn wait_until(due: Instant) {
    let left = due.saturating_duration_since(Instant::now());
    if left > SPIN {
        std::thread::sleep(left - SPIN);
    }
    while Instant::now() < due {
        std::hint::spin_loop();
    }
}
