//! Runs the contenders' processes in turn and reads their figures.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::{Contender, Load};

/// The first 1/n of the requests are a warm-up and not measured.
pub(crate) const WARM_UP_DIVISOR: usize = 10;

/// The figures of one run.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) requests_per_second: f64,
    pub(crate) p50_microseconds: f64,
    pub(crate) p99_microseconds: f64,
    /// Processor time of the role per request, for all its threads.
    #[serde(default)]
    pub(crate) broker_microseconds: f64,
    #[serde(default)]
    pub(crate) worker_microseconds: f64,
    #[serde(default)]
    pub(crate) client_microseconds: f64,
}

/// The name of a figure and its value.
type Field = (&'static str, fn(&Figures) -> f64);

impl Figures {
    /// The fields by name, for medians and tables.
    pub(crate) const FIELDS: [Field; 6] = [
        ("requests/s", |figures| figures.requests_per_second),
        ("p50 µs", |figures| figures.p50_microseconds),
        ("p99 µs", |figures| figures.p99_microseconds),
        ("broker CPU µs", |figures| figures.broker_microseconds),
        ("worker CPU µs", |figures| figures.worker_microseconds),
        ("client CPU µs", |figures| figures.client_microseconds),
    ];
}

/// JSON text of this length.
pub(crate) fn body(bytes: usize) -> Vec<u8> {
    let mut body = vec![b'a'; bytes.max(2)];
    let last = body.len() - 1;
    (body[0], body[last]) = (b'"', b'"');
    body
}

/// Reports a line to the measuring process.
pub(crate) fn announce(line: &str) {
    use std::io::Write;
    println!("{line}");
    std::io::stdout().flush().expect("a reader");
}

pub(crate) fn announce_result(load: Load, took: Duration, latencies: &Histogram<u64>) {
    let latency = |quantile| latencies.value_at_quantile(quantile) as f64 / 1e3;
    let figures = serde_json::json!({
        "requests_per_second": load.requests as f64 / took.as_secs_f64(),
        "p50_microseconds": latency(0.5),
        "p90_microseconds": latency(0.9),
        "p99_microseconds": latency(0.99),
        "p999_microseconds": latency(0.999),
    });
    announce(&figures.to_string());
}

/// A role's process, which is killed when this is dropped.
struct Role {
    child: Child,
    lines: BufReader<std::process::ChildStdout>,
}

impl Role {
    fn start(arguments: &[String]) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut child = Command::new(program)
            .args(arguments)
            .stdout(Stdio::piped())
            .stdin(Stdio::null())
            .spawn()
            .expect("a process");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line).expect("a line");
        assert!(read > 0, "a role ended without a result");
        line.trim_end().to_owned()
    }

    /// Processor time of all its threads so far, in microseconds.
    fn cpu_microseconds(&self) -> f64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("a running process");
        let nanoseconds = tasks.flatten().filter_map(|task| {
            let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<f64>().ok()
        });
        nanoseconds.sum::<f64>() / 1e3
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        // Fails only if the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(contender: Contender, load: Load) -> Figures {
    let [broker_role, worker_role, client_role] = contender.roles().map(str::to_owned);
    let mut broker = Role::start(&[broker_role]);
    let endpoint = broker.line();
    let mut worker = Role::start(&[worker_role, endpoint.clone()]);
    worker.line();
    let (broker_before, worker_before) = (broker.cpu_microseconds(), worker.cpu_microseconds());
    let words = [load.requests, load.window, load.body_bytes].map(|number| number.to_string());
    let mut client = Role::start(&[vec![client_role, endpoint], words.to_vec()].concat());
    let mut figures: Figures = serde_json::from_str(&client.line()).expect("figures");
    let requests = (load.requests + load.requests / WARM_UP_DIVISOR) as f64;
    figures.client_microseconds = client.cpu_microseconds() / requests;
    figures.broker_microseconds = (broker.cpu_microseconds() - broker_before) / requests;
    figures.worker_microseconds = (worker.cpu_microseconds() - worker_before) / requests;
    figures
}

/// The medians of each contender, all run in turn `rounds` times.
pub(crate) fn compare(load: Load, rounds: usize) -> Vec<(Contender, Figures)> {
    let mut runs: Vec<Vec<Figures>> = vec![Vec::new(); Contender::ALL.len()];
    for round in 0..rounds {
        for (contender, runs) in Contender::ALL.into_iter().zip(&mut runs) {
            eprint!("\rwindow {}, round {} of {rounds}: {:<12}", load.window, round + 1, contender.name());
            runs.push(run(contender, load));
        }
    }
    eprint!("\r{:60}\r", "");
    Contender::ALL.into_iter().zip(runs.iter().map(|runs| medians(runs))).collect()
}

fn medians(runs: &[Figures]) -> Figures {
    let median = |field: fn(&Figures) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(field).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let [requests_per_second, p50_microseconds, p99_microseconds, broker_microseconds, worker_microseconds, client_microseconds] =
        Figures::FIELDS.map(|(_, field)| median(field));
    Figures {
        requests_per_second,
        p50_microseconds,
        p99_microseconds,
        broker_microseconds,
        worker_microseconds,
        client_microseconds,
    }
}
