//! Dispatch by a broker with thousands of names and workers.

use super::broker::{dispatch_to, Broker};

const SERVICES: usize = 10_000;
const WILDCARDS: usize = 1_000;
const VERSIONS: usize = 1_000;

/// How many times each name is requested.
const ROUNDS: usize = 2;

/// Spreads requests over the names; coprime to all numbers above.
const STRIDE: usize = 7_919;

/// A broker with a worker for each service, wildcard and version.
fn at_scale() -> Broker {
    let mut broker = Broker::new();
    for number in 0..SERVICES {
        broker.worker(&format!("s{number}"), &service(number), 1);
    }
    for number in 0..WILDCARDS {
        broker.worker(&format!("w{number}"), &format!("family{number}.*"), 1);
    }
    for number in 0..VERSIONS {
        broker.worker(&format!("v{number}"), &format!("library{number}@1.2.3"), 1);
    }
    broker
}

fn service(number: usize) -> String {
    format!("service{number}")
}

/// The order of requests over this number of names.
fn rounds(names: usize) -> impl ExactSizeIterator<Item = usize> {
    (0..ROUNDS * names).map(move |number| number * STRIDE % names)
}

pub(super) fn exact() {
    dispatch_to(&mut at_scale(), rounds(SERVICES).map(service));
}

pub(super) fn wildcard() {
    dispatch_to(&mut at_scale(), rounds(WILDCARDS).map(|family| format!("family{family}.member")));
}

pub(super) fn version() {
    dispatch_to(&mut at_scale(), rounds(VERSIONS).map(|library| format!("library{library}@^1.2.0")));
}

/// Like [`wildcard`], but each name is requested once.
pub(super) fn new_name() {
    let names = rounds(WILDCARDS).enumerate().map(|(number, family)| format!("family{family}.member{number}"));
    dispatch_to(&mut at_scale(), names);
}

/// Like [`version`], but each range is requested once.
pub(super) fn new_range() {
    let names = rounds(VERSIONS).enumerate().map(|(number, library)| format!("library{library}@>=1.0.{number}"));
    dispatch_to(&mut at_scale(), names);
}
