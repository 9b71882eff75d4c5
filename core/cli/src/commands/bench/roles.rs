//! What a role does, in a thread of the bench's process or in a process of its own.
//!
//! Both are spoken to in the same way: first an [`Assignment`], then to clients how many requests to make, again and again; the
//! end of that is their end. In a process it comes as lines of JSON on standard input, and what it says goes to standard
//! output; so a process whose starter is gone ends too.

use std::io::{stdin, BufRead, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use pigato::{Broker, Client, Concurrency, PeerEvent, Worker};
use serde::{Deserialize, Serialize};

use super::load::{Load, Outcome, Plan};
use super::Role;
use crate::exit::{Failure, Status};

/// How often a client says how far it is.
const NEWS: Duration = Duration::from_millis(100);

/// How long a worker or client may take to connect.
const CONNECTING: Duration = Duration::from_secs(10);

/// What a role is to be.
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

/// What a role says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum News {
    /// It is there; a broker tells where.
    Ready(String),
    /// How many requests of this round have ended.
    Ended(u64),
    /// A round is over.
    Done(Outcome),
    /// It cannot go on.
    Failed(String),
}

/// Does what was assigned until `rounds` ends, and tells.
pub(super) fn work(assignment: Assignment, rounds: impl Iterator<Item = u64>, tell: &(impl Fn(News) + Sync)) {
    let outcome = match assignment {
        Assignment::Broker => broker(rounds, tell),
        Assignment::Worker { endpoint, service } => worker(&endpoint, &service, rounds, tell),
        Assignment::Client { endpoint, plan } => client(&endpoint, plan, rounds, tell),
    };
    if let Err(problem) = outcome {
        tell(News::Failed(problem));
    }
}

fn broker(rounds: impl Iterator<Item = u64>, tell: &impl Fn(News)) -> Result<(), String> {
    let broker = Broker::builder().bind("tcp://127.0.0.1:*").intch(None).start().map_err(|error| error.to_string())?;
    tell(News::Ready(broker.endpoint().to_owned()));
    rounds.for_each(drop);
    broker.stop_within_blocking(Duration::ZERO);
    Ok(())
}

fn worker(
    endpoint: &str,
    service: &str,
    rounds: impl Iterator<Item = u64>,
    tell: &(impl Fn(News) + Sync),
) -> Result<(), String> {
    let (connected, is_connected) = channel();
    let worker = Worker::builder(endpoint, service)
        // What clients have in flight decides how much is measured, not a default of the worker's.
        .concurrency(Concurrency::Unlimited)
        .on_event(move |event| {
            if event == PeerEvent::Connected {
                // Nobody waits for the second time.
                let _ = connected.send(());
            }
        })
        .start()
        .map_err(|error| error.to_string())?;
    is_connected.recv_timeout(CONNECTING).map_err(|_| format!("no broker answers at {endpoint}"))?;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while let Some(job) = worker.next_blocking() {
                // Fails where the client no longer waits, which it counts itself.
                let _ = job.reply.end_raw(job.request.data());
            }
        });
        tell(News::Ready(String::new()));
        rounds.for_each(drop);
        worker.stop_within_blocking(Duration::ZERO);
    });
    Ok(())
}

fn client(
    endpoint: &str,
    plan: Plan,
    rounds: impl Iterator<Item = u64>,
    tell: &(impl Fn(News) + Sync),
) -> Result<(), String> {
    let client = Client::builder(endpoint).timeout(plan.timeout).start().map_err(|error| error.to_string())?;
    let load = Load::new(client.clone(), plan);
    tell(News::Ready(String::new()));
    for requests in rounds {
        let outcome = watched(tell, |ended| load.run(requests, ended));
        tell(News::Done(outcome.map_err(|failure| failure.message().to_owned())?));
    }
    client.stop_blocking();
    Ok(())
}

/// Ends the thread that tells how far another is, also when that one panics.
struct Watched<'a> {
    is_over: &'a AtomicBool,
    watcher: std::thread::Thread,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.watcher.unpark();
    }
}

/// Tells how far `work` is while it works.
fn watched<T>(tell: &(impl Fn(News) + Sync), work: impl FnOnce(&AtomicU64) -> T) -> T {
    let (ended, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                std::thread::park_timeout(NEWS);
                tell(News::Ended(ended.load(Ordering::Relaxed)));
            }
        });
        let _watched = Watched { is_over: &is_over, watcher: watcher.thread().clone() };
        work(&ended)
    })
}

/// This process is one role of a bench that another process runs.
pub(super) fn run(role: Role) -> Result<(), Failure> {
    let mut lines = stdin().lock().lines().map_while(Result::ok);
    let first = lines.next().unwrap_or_default();
    let assignment: Assignment = serde_json::from_str(&first)
        .ok()
        .filter(|assignment: &Assignment| assignment.role() == role)
        .ok_or_else(|| Failure::usage("--role is for processes that `pigato bench --processes` starts"))?;
    let rounds = lines.map_while(|line| line.parse().ok());
    work(assignment, rounds, &|news| {
        let line = serde_json::to_string(&news).expect("no map with odd keys");
        let mut stdout = std::io::stdout().lock();
        if writeln!(stdout, "{line}").and_then(|()| stdout.flush()).is_err() {
            // Nobody is left to work for.
            std::process::exit(Status::Connection.number());
        }
    });
    Ok(())
}
