//! Dispatch by a broker that knows thousands of names and workers.

use super::broker::{dispatch_to, Broker};
use super::REQUESTS;

const SERVICES: usize = 10_000;
const WILDCARDS: usize = 1_000;
const VERSIONS: usize = 1_000;

/// Spreads requests over names; prime to all the numbers above.
const STRIDE: usize = 7_919;

/// A worker for each service, each wildcard and each version.
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

pub(super) fn exact() {
    dispatch_to(&mut at_scale(), |number| service(number * STRIDE % SERVICES));
}

pub(super) fn wildcard() {
    dispatch_to(&mut at_scale(), |number| format!("family{}.member", number * STRIDE % WILDCARDS));
}

pub(super) fn version() {
    const _: () = assert!(REQUESTS <= VERSIONS);
    dispatch_to(&mut at_scale(), |number| format!("library{}@^1.2.0", number * STRIDE % VERSIONS));
}
