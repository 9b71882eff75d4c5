//! PIGATO's performance targets, checked within one run.

use crate::contender::name::{
    BASELINE, BROKER, C, FFI_RZMQ, GO, NATS_GO, NATS_NODE, NODE, PUBLISHED, RUBY_THREADS, RUST,
};
use crate::measure::Figures;
use crate::results::Results;

/// A figure, usually the ratio of two contenders, and its bound.
pub(crate) struct Target {
    pub(crate) what: &'static str,
    /// `None` if it was not measured.
    pub(crate) figure: Option<f64>,
    pub(crate) bound: Bound,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Bound {
    pub(crate) fn holds(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(least) => figure >= least,
            Self::AtMost(most) => figure <= most,
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

/// The results from which targets take their figures.
struct Sources<'a>(&'a Results);

impl Sources<'_> {
    fn figure(&self, window: usize, name: &str, figure: fn(&Figures) -> f64) -> Option<f64> {
        self.0.figures(window, name).map(|figures| figure(&figures))
    }

    /// Our figure divided by theirs.
    fn ratio(&self, window: usize, figure: fn(&Figures) -> f64, ours: &str, theirs: &str) -> Option<f64> {
        Some(self.figure(window, ours, figure)? / self.figure(window, theirs, figure)?)
    }

    fn throughput(&self, window: usize, ours: &str, theirs: &str) -> Option<f64> {
        self.ratio(window, rate, ours, theirs)
    }
}

fn rate(figures: &Figures) -> f64 {
    figures.requests_per_second
}

fn cpu(figures: &Figures) -> f64 {
    figures.broker_cpu
}

fn p50(figures: &Figures) -> f64 {
    figures.p50
}

pub(crate) fn all(results: &Results) -> Vec<Target> {
    use Bound::{AtLeast, AtMost};
    let from = Sources(results);
    let special = &results.special;
    let stream = special
        .partials_per_second
        .as_ref()
        .ok()
        .and_then(|partials| Some(partials / from.figure(100, BASELINE, rate)?));
    let idle = special.idle.as_ref().ok().map(|idle| idle.processor_percent);
    let recovery = special.overload.as_ref().ok().map(|overload| overload.recovered_after_milliseconds / 1e3);
    let targets = [
        (
            "broker CPU per request, window 100, relative to the baseline",
            from.ratio(100, cpu, BROKER, BASELINE),
            AtMost(1.15),
        ),
        (
            "broker CPU per request, window 100, relative to nats-server",
            from.ratio(100, cpu, BROKER, NATS_GO),
            AtMost(1.0),
        ),
        (
            "requests/s in Rust, window 100, relative to the baseline",
            from.throughput(100, RUST, BASELINE),
            AtLeast(0.95),
        ),
        (
            "requests/s in Rust, window 1,000, relative to the baseline",
            from.throughput(1_000, RUST, BASELINE),
            AtLeast(0.95),
        ),
        (
            "p50 with one request in flight in Rust, relative to the baseline",
            from.ratio(1, p50, RUST, BASELINE),
            AtMost(1.25),
        ),
        (
            "bytes/s with bodies of 64 KiB, window 16, relative to the baseline",
            from.throughput(16, RUST, BASELINE),
            AtLeast(0.95),
        ),
        ("partial replies/s of one stream, relative to the baseline's requests/s at window 100", stream, AtLeast(3.0)),
        ("requests/s in C, window 100, relative to Rust", from.throughput(100, C, RUST), AtLeast(0.95)),
        ("requests/s in Go, window 100, relative to Rust", from.throughput(100, GO, RUST), AtLeast(0.8)),
        ("requests/s in Go, window 200, relative to Rust", from.throughput(200, GO, RUST), AtLeast(0.8)),
        ("requests/s in Go, window 100, relative to nats.go", from.throughput(100, GO, NATS_GO), AtLeast(1.0)),
        (
            "requests/s in Node.js, window 100, relative to the published package",
            from.throughput(100, NODE, PUBLISHED),
            AtLeast(5.0),
        ),
        (
            "requests/s in Node.js, window 200, relative to the published package",
            from.throughput(200, NODE, PUBLISHED),
            AtLeast(5.0),
        ),
        (
            "requests/s in Node.js, window 100, relative to nats in Node.js",
            from.throughput(100, NODE, NATS_NODE),
            AtLeast(2.5),
        ),
        (
            "requests/s in Node.js, window 200, relative to nats in Node.js",
            from.throughput(200, NODE, NATS_NODE),
            AtLeast(2.5),
        ),
        (
            "requests/s in Ruby, 50 threads, relative to the published frames over ffi-rzmq",
            from.throughput(50, RUBY_THREADS, FFI_RZMQ),
            AtLeast(3.0),
        ),
        ("percent of one core for a broker with 10,000 idle peers", idle, AtMost(5.0)),
        ("seconds until latency is back to normal after 60 s at twice the capacity", recovery, AtMost(1.0)),
    ];
    targets.into_iter().map(|(what, figure, bound)| Target { what, figure, bound }).collect()
}
