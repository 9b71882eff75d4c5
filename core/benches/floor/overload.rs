//! Sends twice as many requests as the worker can answer, at even intervals, and measures their
//! outcomes.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use pigato::{Client, Concurrency, ErrorCode, RequestError, Worker};

use crate::measure::announce;
use crate::ours::started;

/// The time that a request takes its worker, which handles one at a time: this is the bottleneck,
/// not the processor.
const HANDLING: Duration = Duration::from_micros(100);

/// Enough that the next request has arrived when the worker has answered one.
const CONCURRENCY: u32 = 16;

/// Longer than it takes to answer all waiting requests.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(10);

/// Requests made one after the other, to measure the latency without load.
const UNLOADED_REQUESTS: usize = 2_000;

pub(crate) fn worker(endpoint: &str) {
    let worker = started(Worker::builder(endpoint, "echo").concurrency(Concurrency::Limited(CONCURRENCY)));
    while let Some(job) = worker.next_blocking() {
        let until = Instant::now() + HANDLING;
        while Instant::now() < until {
            std::thread::yield_now();
        }
        job.reply.end_raw(job.request.data()).expect("the request is live");
    }
}

/// The results of the overload.
struct Overload {
    counts: Counts,
    /// Of the answered requests, from the time when they were due.
    latencies: Histogram<u64>,
    /// The actual rate of requests per second.
    rate: f64,
    /// When the last request was sent.
    ended: Instant,
}

/// The outcomes.
#[derive(Default)]
struct Counts {
    answered: u64,
    refused: u64,
    others: u64,
}

/// Sends twice the capacity for `seconds`, and then measures the time until latency is back to
/// normal.
pub(crate) fn client(endpoint: &str, seconds: u64) {
    let client = Client::connect(endpoint).expect("a client");
    let calm = one_by_one(&client, UNLOADED_REQUESTS);
    let capacity = measured_capacity(&client);
    let rate = 2.0 * capacity;
    let Overload { counts, latencies, rate, ended } = overload(&client, rate, Duration::from_secs(seconds));
    // A single request is as fast as before.
    let bound_nanos = 3 * calm.value_at_quantile(0.99);
    while one_by_one(&client, 1).max() > bound_nanos {
        assert!(ended.elapsed() < RECOVERY_TIMEOUT, "latency does not return to normal");
    }
    let figures = serde_json::json!({
        "requests_per_second": capacity,
        "rate": rate,
        "answered": counts.answered,
        "refused": counts.refused,
        "others": counts.others,
        "p50_microseconds": latencies.value_at_quantile(0.5) as f64 / 1e3,
        "p90_microseconds": latencies.value_at_quantile(0.9) as f64 / 1e3,
        "p99_microseconds": latencies.value_at_quantile(0.99) as f64 / 1e3,
        "p999_microseconds": latencies.value_at_quantile(0.999) as f64 / 1e3,
        "calm_p99_microseconds": calm.value_at_quantile(0.99) as f64 / 1e3,
        "recovered_after_milliseconds": ended.elapsed().as_secs_f64() * 1e3,
    });
    announce(&figures.to_string());
    client.stop_blocking();
}

fn one_by_one(client: &Client, requests: usize) -> Histogram<u64> {
    let mut latencies = Histogram::new(3).expect("three digits");
    for _ in 0..requests {
        let sent_at = Instant::now();
        client.request_raw("echo", "x").send().finish_blocking().expect("an answer");
        latencies.record(sent_at.elapsed().as_nanos() as u64).expect("within a minute");
    }
    latencies
}

/// Requests per second of a closed loop.
fn measured_capacity(client: &Client) -> f64 {
    const REQUESTS: usize = 20_000;
    let started = Instant::now();
    let mut window = std::collections::VecDeque::new();
    for _ in 0..REQUESTS {
        window.push_back(client.request_raw("echo", "x").send());
        if window.len() == 32 {
            window.pop_front().map(|response| response.finish_blocking().expect("an answer"));
        }
    }
    window.into_iter().for_each(|response| drop(response.finish_blocking().expect("an answer")));
    REQUESTS as f64 / started.elapsed().as_secs_f64()
}

fn overload(client: &Client, rate: f64, time: Duration) -> Overload {
    let (sender, responses) = channel();
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut counts = Counts::default();
            let mut latencies = Histogram::new(3).expect("three digits");
            for (due, response) in responses {
                let outcome: Result<_, RequestError> = pigato::Response::finish_blocking(response);
                match outcome {
                    Ok(_) => {
                        counts.answered += 1;
                        latencies.record(Instant::elapsed(&due).as_nanos() as u64).expect("within a minute");
                    }
                    Err(error) if error.code() == Some(ErrorCode::QueueFull) => counts.refused += 1,
                    Err(_) => counts.others += 1,
                }
            }
            (counts, latencies)
        });
        let started = Instant::now();
        let mut sent = 0;
        loop {
            let due = started + Duration::from_secs_f64(sent as f64 / rate);
            if due - started >= time {
                break;
            }
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            sender.send((due, client.request_raw("echo", "x").send())).expect("a reader");
            sent += 1;
        }
        drop(sender);
        let ended = Instant::now();
        let (counts, latencies) = reader.join().expect("a reader");
        Overload { counts, latencies, rate: sent as f64 / (ended - started).as_secs_f64(), ended }
    })
}
