//! Formats the results of a bench.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{json, Value};

use super::load::{latencies, Latencies, Outcome, Pace};
use super::usage::Memory;
use super::BenchArguments;
use crate::demo::grouped;

const QUANTILES: [(&str, f64); 5] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999), ("max", 1.0)];

/// The results of a bench.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) waves: Vec<Wave>,
    /// By role, or under `all` in one process.
    pub(super) memory: BTreeMap<&'static str, Memory>,
}

/// The results of one wave, all clients together.
#[derive(Debug)]
pub(super) struct Wave {
    seconds: f64,
    latencies: Latencies,
    failed: BTreeMap<String, u64>,
    /// CPU time in microseconds by role, or under `all` in one process.
    cpu: BTreeMap<&'static str, f64>,
}

impl Wave {
    pub(super) fn new(outcomes: &[Outcome], cpu: BTreeMap<&'static str, f64>) -> Self {
        let mut wave = Self { seconds: 0.0, latencies: latencies(), failed: BTreeMap::new(), cpu };
        for outcome in outcomes {
            wave.seconds = wave.seconds.max(outcome.seconds);
            for (latency, count) in &outcome.latencies {
                wave.latencies.saturating_record_n(*latency, *count);
            }
            for (code, count) in &outcome.failed {
                *wave.failed.entry(code.clone()).or_default() += count;
            }
        }
        wave
    }

    fn requests_per_second(&self) -> f64 {
        self.latencies.len() as f64 / self.seconds.max(1e-9)
    }

    fn cpu_per_request(&self) -> BTreeMap<&'static str, f64> {
        let requests = (self.latencies.len() + self.failed.values().sum::<u64>()).max(1) as f64;
        self.cpu.iter().map(|(name, cpu)| (*name, rounded(cpu / requests))).collect()
    }

    fn quantiles(&self) -> impl Iterator<Item = (&'static str, f64)> + '_ {
        QUANTILES.iter().map(|(name, share)| (*name, rounded(self.latencies.value_at_quantile(*share) as f64 / 1e3)))
    }

    fn json(&self) -> Value {
        let latency: BTreeMap<_, _> = self.quantiles().collect();
        json!({
            "answered": self.latencies.len(),
            "failed": self.failed,
            "seconds": self.seconds,
            "requestsPerSecond": rounded(self.requests_per_second()),
            "latencyMicroseconds": latency,
            "cpuMicrosecondsPerRequest": self.cpu_per_request(),
        })
    }
}

/// Rounds to 3 decimal places.
fn rounded(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

impl Measured {
    pub(super) fn has_failed(&self) -> bool {
        self.waves.iter().any(|wave| !wave.failed.is_empty())
    }

    pub(super) fn json(&self, arguments: &BenchArguments) -> String {
        let (in_flight, rate) = match arguments.plan().pace {
            Pace::InFlight(limit) => (Some(limit), None),
            Pace::Rate(_) => (None, arguments.rate),
        };
        let plan = json!({
            "brokers": if arguments.endpoint.is_empty() { arguments.brokers } else { 0 },
            "endpoints": arguments.endpoint,
            "workers": arguments.workers,
            "clients": arguments.clients,
            "inFlight": in_flight,
            "rate": rate,
            "requests": arguments.requests,
            "bodyBytes": arguments.body,
            "services": arguments.services,
            "processes": arguments.processes,
        });
        let waves: Vec<_> = self.waves.iter().map(Wave::json).collect();
        json!({ "plan": plan, "waves": waves, "memoryBytes": self.memory }).to_string()
    }

    /// The results as a table for people.
    pub(super) fn text(&self, arguments: &BenchArguments) -> String {
        let mut text = heading(arguments);
        let mut line =
            |words: std::fmt::Arguments<'_>| writeln!(text, "{words}").expect("writing to a string succeeds");
        let names: String = QUANTILES.iter().map(|(name, _)| format!("{name:>11}")).collect();
        line(format_args!("{:<8}{:>12}{names}   latency in µs", "", "requests/s"));
        for (number, wave) in self.waves.iter().enumerate() {
            let quantiles: String = wave.quantiles().map(|(_, value)| format!("{value:>11.1}")).collect();
            let rate = grouped(wave.requests_per_second().round() as u64);
            line(format_args!("{:<8}{rate:>12}{quantiles}", format!("wave {}", number + 1)));
            for (code, count) in &wave.failed {
                line(format_args!("        {} failed with {code}", grouped(*count)));
            }
        }
        if let Some(wave) = self.waves.last() {
            for (name, cpu) in wave.cpu_per_request() {
                let memory = self.memory.get(name).map_or_else(String::new, |memory| {
                    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
                    format!(", {:.1} MiB of memory, {:.1} MiB at peak", mebibytes(memory.now), mebibytes(memory.most))
                });
                line(format_args!("{name:<8}{cpu:>9.2} µs of CPU per request{memory}"));
            }
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// One line that describes the configuration.
fn heading(arguments: &BenchArguments) -> String {
    let brokers = match arguments.endpoint.as_slice() {
        [] => counted(arguments.brokers, "broker"),
        endpoints => endpoints.join(", "),
    };
    let pace = match arguments.plan().pace {
        Pace::InFlight(limit) => format!("{limit} requests in flight per client"),
        Pace::Rate(_) => format!("{} requests/s", arguments.rate.map_or(0, std::num::NonZero::get)),
    };
    let place = if arguments.processes { "in separate processes" } else { "in one process" };
    let (workers, clients) = (counted(arguments.workers, "worker"), counted(arguments.clients, "client"));
    format!("{brokers}, {workers} per broker, {clients}, {place}; {pace}, {} bytes of data\n", arguments.body)
}

fn counted(number: u32, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
