//! Runs the contenders in turn and takes medians.

use serde_json::Value;

use crate::contender::Contender;
use crate::role::Role;

/// Warm-up requests of a client before the measurement: 1/n of all.
const WARM_UP: f64 = 10.0;

/// The load of one run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Load {
    pub(crate) requests: usize,
    pub(crate) window: usize,
    pub(crate) body_bytes: usize,
}

/// The figures of one run, or the medians of several.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Figures {
    pub(crate) requests_per_second: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    /// Processor time in microseconds per request.
    pub(crate) broker_cpu: f64,
    pub(crate) worker_cpu: f64,
    /// Peak value.
    pub(crate) broker_memory_bytes: f64,
}

impl Figures {
    fn fields(&mut self) -> [&mut f64; 8] {
        [
            &mut self.requests_per_second,
            &mut self.p50,
            &mut self.p90,
            &mut self.p99,
            &mut self.p999,
            &mut self.broker_cpu,
            &mut self.worker_cpu,
            &mut self.broker_memory_bytes,
        ]
    }
}

/// All figures of one load.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) load: Load,
    /// The medians of each contender, or its failure.
    pub(crate) rows: Vec<(&'static str, Result<Figures, String>)>,
}

/// Runs all contenders `rounds` times in turn.
pub(crate) fn compare(contenders: &[Contender], load: Load, rounds: u32, scale: f64) -> Result<Comparison, String> {
    let mut runs: Vec<Result<Vec<Figures>, String>> = contenders.iter().map(|_| Ok(Vec::new())).collect();
    for round in 1..=rounds {
        for (contender, runs) in contenders.iter().zip(&mut runs) {
            // A contender that has failed is skipped, so that it does not delay the others.
            let Ok(figures) = runs else { continue };
            eprintln!(
                "window {}, {} bytes, round {round} of {rounds}: {}",
                load.window, load.body_bytes, contender.name
            );
            match run(contender, load, scale) {
                Ok(run) => figures.push(run),
                Err(problem) => {
                    eprintln!("{}: {problem}", contender.name);
                    *runs = Err(problem);
                }
            }
        }
    }
    let medians = runs.into_iter().map(|runs| runs.map(|runs| medians(&runs)));
    Ok(Comparison { load, rows: contenders.iter().map(|contender| contender.name).zip(medians).collect() })
}

fn run(contender: &Contender, load: Load, scale: f64) -> Result<Figures, String> {
    let running = Running::start(contender, load, scale)?;
    let mut figures = parse(&running.client.line()?)?;
    figures.broker_cpu = (running.broker.cpu_microseconds()? - running.broker_cpu_before) / running.all_requests;
    figures.worker_cpu = (running.worker.cpu_microseconds()? - running.worker_cpu_before) / running.all_requests;
    figures.broker_memory_bytes = running.broker.most_memory_bytes()?;
    Ok(figures)
}

/// A running contender. The client prints a line when it has finished.
pub(crate) struct Running {
    pub(crate) client: Role,
    pub(crate) worker: Role,
    pub(crate) broker: Role,
    /// Before the client started, in microseconds.
    pub(crate) broker_cpu_before: f64,
    pub(crate) worker_cpu_before: f64,
    /// Including the warm-up requests.
    pub(crate) all_requests: f64,
}

impl Running {
    pub(crate) fn start(contender: &Contender, load: Load, scale: f64) -> Result<Self, String> {
        let broker = Role::start(&contender.broker, &[])?;
        let endpoint = endpoint(&broker.line()?)?;
        let worker = Role::start(&contender.worker, std::slice::from_ref(&endpoint))?;
        worker.line()?;
        let requests = ((load.requests as f64 * scale * contender.share) as usize).max(2 * load.window).max(100);
        let (broker_cpu_before, worker_cpu_before) = (broker.cpu_microseconds()?, worker.cpu_microseconds()?);
        let words = [requests, load.window, load.body_bytes].map(|number| number.to_string());
        let suffix = contender.client.suffix.iter().map(|word| (*word).to_owned());
        let arguments: Vec<String> = std::iter::once(endpoint).chain(words).chain(suffix).collect();
        let client = Role::start(&contender.client, &arguments)?;
        let all_requests = requests as f64 * (1.0 + 1.0 / WARM_UP);
        Ok(Self { client, worker, broker, broker_cpu_before, worker_cpu_before, all_requests })
    }
}

/// A broker prints its endpoint; the published package's prints JSON with more.
fn endpoint(line: &str) -> Result<String, String> {
    match serde_json::from_str::<Value>(line) {
        Ok(result) => result["endpoint"].as_str().map(str::to_owned).ok_or_else(|| format!("no endpoint in {line}")),
        Err(_) => Ok(line.to_owned()),
    }
}

/// Reads the figures of a client, in the form of Node.js or of the others.
fn parse(line: &str) -> Result<Figures, String> {
    let result: Value = serde_json::from_str(line).map_err(|_| format!("no figures: {line}"))?;
    let number = |flat: &str, nested: &Value| {
        let value = result.get(flat).unwrap_or(nested);
        value.as_f64().ok_or_else(|| format!("no {flat} in {line}"))
    };
    let latency = &result["latencyMicroseconds"];
    Ok(Figures {
        requests_per_second: number("requests_per_second", &result["requestsPerSecond"])?,
        p50: number("p50_microseconds", &latency["p50"])?,
        p90: number("p90_microseconds", &latency["p90"])?,
        p99: number("p99_microseconds", &latency["p99"])?,
        p999: number("p999_microseconds", &latency["p999"])?,
        ..Figures::default()
    })
}

fn medians(runs: &[Figures]) -> Figures {
    let mut medians = Figures::default();
    for (at, median) in medians.fields().into_iter().enumerate() {
        let mut values: Vec<f64> = runs.iter().map(|run| *run.clone().fields()[at]).collect();
        values.sort_by(f64::total_cmp);
        *median = values[values.len() / 2];
    }
    medians
}

#[cfg(test)]
mod tests {
    use super::{endpoint, medians, parse, Figures};

    #[test]
    fn both_forms_of_figures_are_parsed() {
        let flat = r#"{"requests_per_second":9,"p50_microseconds":1,"p90_microseconds":2,"p99_microseconds":3,"p999_microseconds":4}"#;
        let nested = r#"{"requestsPerSecond":9,"latencyMicroseconds":{"p50":1,"p90":2,"p99":3,"p999":4}}"#;
        for line in [flat, nested] {
            let figures = parse(line).unwrap();
            assert_eq!((figures.requests_per_second, figures.p50, figures.p999), (9.0, 1.0, 4.0));
        }
        assert!(parse("ready").is_err() && parse("{}").is_err());
    }

    #[test]
    fn endpoints_are_plain_or_in_json() {
        assert_eq!(endpoint("tcp://127.0.0.1:5").unwrap(), "tcp://127.0.0.1:5");
        assert_eq!(endpoint(r#"{"endpoint":"tcp://127.0.0.1:5"}"#).unwrap(), "tcp://127.0.0.1:5");
    }

    #[test]
    fn each_figure_has_its_own_median() {
        let run = |rate, p50| Figures { requests_per_second: rate, p50, ..Figures::default() };
        let medians = medians(&[run(1.0, 9.0), run(5.0, 1.0), run(2.0, 2.0)]);
        assert_eq!((medians.requests_per_second, medians.p50), (2.0, 2.0));
    }
}
