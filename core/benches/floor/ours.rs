//! The three roles as a user of the crate writes them.

use std::collections::VecDeque;
use std::time::Instant;

use hdrhistogram::Histogram;
use pigato::config::BrokerOptions;
use pigato::{Broker, Client, Concurrency, PeerEvent, Worker, WorkerBuilder};

use crate::measure::{announce, announce_result, body, WARM_UP_DIVISOR};
use crate::Load;

pub(crate) fn broker(most_requests: Option<usize>) {
    let mut options = BrokerOptions::default().intch(None);
    options.max_requests = most_requests.unwrap_or(options.max_requests);
    let broker = Broker::builder().bind("tcp://127.0.0.1:*").options(options).start().expect("a broker");
    announce(broker.endpoint());
    loop {
        std::thread::park();
    }
}

/// Starts a worker that announces when it is connected.
pub(crate) fn started(builder: WorkerBuilder) -> Worker {
    let tell = |event| {
        if event == PeerEvent::Connected {
            announce("ready");
        }
    };
    builder.on_event(tell).start().expect("a worker")
}

pub(crate) fn worker(endpoint: &str) {
    let worker = started(Worker::builder(endpoint, "echo").concurrency(Concurrency::Unlimited));
    while let Some(job) = worker.next_blocking() {
        // Raw bytes in, the same bytes out: this measures the library, not JSON.
        job.reply.end_raw(job.request.data()).expect("the request is live");
    }
}

pub(crate) fn client(endpoint: &str, load: Load) {
    let client = Client::connect(endpoint).expect("a client");
    let body = pigato::protocol::Frame::from(body(load.body_bytes));
    let mut latencies = Histogram::<u64>::new(3).expect("three digits");
    let mut window = VecDeque::with_capacity(load.window);
    let (mut sent, mut answered) = (0, 0);
    let warm_up = load.requests / WARM_UP_DIVISOR;
    let mut started = Instant::now();
    while answered < load.requests + warm_up {
        while sent < load.requests + warm_up && sent - answered < load.window {
            window.push_back((Instant::now(), client.request_raw("echo", body.clone()).send()));
            sent += 1;
        }
        let (sent_at, response) = window.pop_front().expect("something is in flight");
        response.finish_blocking().expect("an answer");
        answered += 1;
        if answered == warm_up {
            started = Instant::now();
        } else if answered > warm_up {
            latencies.record(sent_at.elapsed().as_nanos() as u64).expect("within a minute");
        }
    }
    announce_result(load, started.elapsed(), &latencies);
    client.stop_blocking();
}
