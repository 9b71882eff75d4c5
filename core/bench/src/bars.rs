//! What PIGATO wants to reach, as ratios within one run.

use crate::contender::name::{BROKER, C, FLOOR, GO, NATS_GO, NATS_NODE, NODE, PUBLISHED, RUST};
use crate::measure::{Figures, Results};

/// A ratio of two contenders, and the bound that it is to keep.
pub(crate) struct Bar {
    pub(crate) what: &'static str,
    window: usize,
    figure: fn(&Figures) -> f64,
    ours: &'static str,
    theirs: &'static str,
    pub(crate) bound: Bound,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Bound {
    pub(crate) fn holds(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(least) => ratio >= least,
            Self::AtMost(most) => ratio <= most,
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "≥ {least}"),
            Self::AtMost(most) => write!(f, "≤ {most}"),
        }
    }
}

impl Bar {
    /// Ours divided by theirs, if both were measured.
    pub(crate) fn ratio(&self, results: &Results) -> Option<f64> {
        let figure = |name| results.figures(self.window, name).map(|figures| (self.figure)(&figures));
        Some(figure(self.ours)? / figure(self.theirs)?)
    }
}

fn throughput(what: &'static str, window: usize, ours: &'static str, theirs: &'static str, least: f64) -> Bar {
    let figure = |figures: &Figures| figures.requests_per_second;
    Bar { what, window, figure, ours, theirs, bound: Bound::AtLeast(least) }
}

pub(crate) fn all() -> Vec<Bar> {
    let cpu: fn(&Figures) -> f64 = |figures| figures.broker_cpu;
    let p50: fn(&Figures) -> f64 = |figures| figures.p50;
    vec![
        Bar {
            what: "broker CPU a request, window 100, to the floor's",
            window: 100,
            figure: cpu,
            ours: BROKER,
            theirs: FLOOR,
            bound: Bound::AtMost(1.15),
        },
        Bar {
            what: "broker CPU a request, window 100, to nats-server's",
            window: 100,
            figure: cpu,
            ours: BROKER,
            theirs: NATS_GO,
            bound: Bound::AtMost(1.0),
        },
        throughput("requests/s in Rust, window 100, to the floor", 100, RUST, FLOOR, 0.95),
        throughput("requests/s in Rust, window 1,000, to the floor", 1_000, RUST, FLOOR, 0.95),
        Bar {
            what: "p50 with one request in flight in Rust, to the floor",
            window: 1,
            figure: p50,
            ours: RUST,
            theirs: FLOOR,
            bound: Bound::AtMost(1.25),
        },
        throughput("bytes/s with bodies of 64 KiB, window 16, to the floor", 16, RUST, FLOOR, 0.95),
        throughput("requests/s in C, window 100, to Rust", 100, C, RUST, 0.95),
        throughput("requests/s in Go, window 100, to Rust", 100, GO, RUST, 0.8),
        throughput("requests/s in Go, window 100, to nats.go", 100, GO, NATS_GO, 1.0),
        throughput("requests/s in Node.js, window 100, to the published package", 100, NODE, PUBLISHED, 5.0),
        throughput("requests/s in Node.js, window 100, to nats in Node.js", 100, NODE, NATS_NODE, 2.5),
    ]
}
