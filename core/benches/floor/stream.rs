//! One request with very many partial replies.

use std::time::Instant;

use hdrhistogram::Histogram;
use pigato::{Client, Worker};

use crate::measure::announce_result;
use crate::ours::started;
use crate::Load;

pub(crate) fn worker(endpoint: &str) {
    let worker = started(Worker::builder(endpoint, "stream"));
    while let Some(job) = worker.next_blocking() {
        let partials: usize = job.request.decode().expect("a number");
        let body = pigato::protocol::Frame::from("\"aaa\"");
        for _ in 0..partials {
            job.reply.write_raw_blocking(body.clone()).expect("a reader");
        }
        job.reply.end_raw(body).expect("the request is live");
    }
}

/// Reads the stream twice; the first run is a tenth of it and not measured.
pub(crate) fn client(endpoint: &str, partials: usize) {
    let client = Client::connect(endpoint).expect("a client");
    let read = |partials: usize| {
        let mut response = client.request("stream", &partials).send();
        let mut count = 0;
        while let Some(reply) = response.next_blocking() {
            reply.expect("a reply");
            count += 1;
        }
        assert_eq!(count, partials + 1);
    };
    read(partials / 10);
    let started = Instant::now();
    read(partials);
    let latencies = Histogram::<u64>::new(3).expect("three digits");
    announce_result(Load { requests: partials, window: 1, body_bytes: 5 }, started.elapsed(), &latencies);
    client.stop_blocking();
}
