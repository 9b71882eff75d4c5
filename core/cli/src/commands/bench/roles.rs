//! Runs one member of a bench, in a thread of the bench's process or in a separate process.
//!
//! A member receives an [`Assignment`] first. A client then receives a number of requests for each
//! round. A member ends when this input ends. It sends [`Report`]s. A process receives its input as
//! lines of JSON on standard input and prints its reports to standard output, so it ends when the
//! process that started it ends.

use std::io::{stdin, BufRead, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use pigato::{Broker, Client, Concurrency, PeerEvent, Worker};
use serde::{Deserialize, Serialize};

use super::load::{Load, Outcome, Plan};
use super::Role;
use crate::exit::{Failure, Status};

/// Interval between a client's progress reports.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// How long a worker may take to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The role of a member, with its parameters.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Assignment {
    Broker,
    Worker { endpoint: String, service: String },
    Client { endpoint: String, plan: Plan },
}

impl Assignment {
    pub(super) fn role(&self) -> Role {
        match self {
            Self::Broker => Role::Broker,
            Self::Worker { .. } => Role::Worker,
            Self::Client { .. } => Role::Client,
        }
    }
}

/// A message from a member to the bench.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Report {
    /// The member is ready. Contains the endpoint of a broker and is empty for others.
    Ready(String),
    /// Number of ended requests in this round.
    Ended(u64),
    /// The round is complete.
    Done(Outcome),
    /// The member cannot continue.
    Failed(String),
}

/// Runs a member until `rounds` ends.
pub(super) fn work(assignment: Assignment, rounds: impl Iterator<Item = u64>, report: &(impl Fn(Report) + Sync)) {
    let outcome = match assignment {
        Assignment::Broker => broker(rounds, report),
        Assignment::Worker { endpoint, service } => worker(&endpoint, &service, rounds, report),
        Assignment::Client { endpoint, plan } => client(&endpoint, plan, rounds, report),
    };
    if let Err(problem) = outcome {
        report(Report::Failed(problem));
    }
}

fn broker(rounds: impl Iterator<Item = u64>, report: &impl Fn(Report)) -> Result<(), String> {
    let broker = Broker::builder().bind("tcp://127.0.0.1:*").intch(None).start().map_err(|error| error.to_string())?;
    report(Report::Ready(broker.endpoint().to_owned()));
    rounds.for_each(drop);
    broker.stop_within_blocking(Duration::ZERO);
    Ok(())
}

fn worker(
    endpoint: &str,
    service: &str,
    rounds: impl Iterator<Item = u64>,
    report: &(impl Fn(Report) + Sync),
) -> Result<(), String> {
    let (connected, is_connected) = channel();
    let worker = Worker::builder(endpoint, service)
        // The clients' requests in flight must be the only limit, not the worker's default
        // concurrency.
        .concurrency(Concurrency::Unlimited)
        .on_event(move |event| {
            if event == PeerEvent::Connected {
                // Fails after a reconnect: the receiver is gone.
                let _ = connected.send(());
            }
        })
        .start()
        .map_err(|error| error.to_string())?;
    is_connected.recv_timeout(CONNECT_TIMEOUT).map_err(|_| format!("no broker answers at {endpoint}"))?;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while let Some(job) = worker.next_blocking() {
                // Fails if the client has given up, which the client counts as a failure.
                let _ = job.reply.end_raw(job.request.data());
            }
        });
        report(Report::Ready(String::new()));
        rounds.for_each(drop);
        worker.stop_within_blocking(Duration::ZERO);
    });
    Ok(())
}

fn client(
    endpoint: &str,
    plan: Plan,
    rounds: impl Iterator<Item = u64>,
    report: &(impl Fn(Report) + Sync),
) -> Result<(), String> {
    let client = Client::builder(endpoint).timeout(plan.timeout).start().map_err(|error| error.to_string())?;
    let load = Load::new(client.clone(), plan);
    report(Report::Ready(String::new()));
    for requests in rounds {
        let outcome = with_progress(report, |ended| load.run(requests, ended));
        report(Report::Done(outcome.map_err(|failure| failure.message().to_owned())?));
    }
    client.stop_blocking();
    Ok(())
}

/// Stops the thread that reports progress when dropped, also if the work panics.
struct StopOnDrop<'a> {
    is_over: &'a AtomicBool,
    reporter: std::thread::Thread,
}

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.reporter.unpark();
    }
}

/// Runs `work` and reports its progress meanwhile.
fn with_progress<T>(report: &(impl Fn(Report) + Sync), work: impl FnOnce(&AtomicU64) -> T) -> T {
    let (ended, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let reporter = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                std::thread::park_timeout(PROGRESS_INTERVAL);
                report(Report::Ended(ended.load(Ordering::Relaxed)));
            }
        });
        let _stop = StopOnDrop { is_over: &is_over, reporter: reporter.thread().clone() };
        work(&ended)
    })
}

/// Runs this process as a member of a bench that another process runs.
pub(super) fn run(role: Role) -> Result<(), Failure> {
    let mut lines = stdin().lock().lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    let assignment: Assignment = serde_json::from_str(&first)
        .ok()
        .filter(|assignment: &Assignment| assignment.role() == role)
        .ok_or_else(|| Failure::usage("--role is only for processes that `pigato bench --processes` starts"))?;
    let rounds = lines.map_while(|line| line.parse().ok());
    work(assignment, rounds, &|report| {
        let line = serde_json::to_string(&report).expect("map keys are strings");
        let mut stdout = std::io::stdout().lock();
        if writeln!(stdout, "{line}").and_then(|()| stdout.flush()).is_err() {
            // The bench has ended.
            std::process::exit(Status::Connection.number());
        }
    });
    Ok(())
}
