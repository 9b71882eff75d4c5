//! Runs many seeds, or prints all events of one.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Mutex;
use std::time::Instant;

use clap::Parser;
use pigato_sim::{Failure, Simulation, Summary};

/// Runs PIGATO's brokers, workers and clients under faults and checks that no request is lost
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Number of seeds to run
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// First seed
    #[arg(long, default_value_t = 0)]
    start: u64,
    /// Run only this seed
    #[arg(long, conflicts_with_all = ["seeds", "start"])]
    seed: Option<u64>,
    /// Print every event
    #[arg(long)]
    verbose: bool,
    /// Continue after a failure and list the failed seeds
    #[arg(long)]
    keep_going: bool,
    /// Number of threads
    #[arg(long, default_value_t = 2)]
    threads: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match arguments.seed {
        Some(seed) => run_one(seed, arguments.verbose),
        None => run_many(&arguments),
    }
}

fn run_one(seed: u64, is_verbose: bool) -> ExitCode {
    match Simulation::new(seed).verbose(is_verbose).run() {
        Ok(summary) => {
            println!("seed {seed}: {summary:?}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

#[derive(Default)]
struct Totals {
    steps: u64,
    requests: usize,
    succeeded: u64,
    failures: Vec<Failure>,
}

impl Totals {
    fn add(&mut self, summary: Summary) {
        self.steps += summary.steps;
        self.requests += summary.requests;
        self.succeeded += summary.succeeded;
    }
}

fn run_many(arguments: &Arguments) -> ExitCode {
    let (started, shows_progress) = (Instant::now(), std::io::stderr().is_terminal());
    let (next, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    let totals = Mutex::new(Totals::default());
    let work = || loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= arguments.seeds || is_over.load(Ordering::Relaxed) {
            return;
        }
        let seed = arguments.start.wrapping_add(number);
        let result = Simulation::new(seed).verbose(arguments.verbose).run();
        let mut totals = totals.lock().expect("no thread panics with it");
        match result {
            Ok(summary) => totals.add(summary),
            Err(failure) => {
                is_over.store(!arguments.keep_going, Ordering::Relaxed);
                totals.failures.push(*failure);
            }
        }
        if shows_progress && number % 16 == 0 {
            eprint!("\r{number} of {} seeds", arguments.seeds);
            let _ = std::io::stderr().flush();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads.max(1) {
            scope.spawn(work);
        }
    });
    if shows_progress {
        eprint!("\r");
    }
    report(&totals.into_inner().expect("no thread panics with it"), arguments, started)
}

fn report(totals: &Totals, arguments: &Arguments, started: Instant) -> ExitCode {
    if let Some(failure) = totals.failures.iter().min_by_key(|failure| failure.seed) {
        eprintln!("{failure}");
        if arguments.keep_going {
            let mut failed: Vec<String> = totals
                .failures
                .iter()
                .map(|failure| format!("{} ({})", failure.seed, failure.violation.rule))
                .collect();
            failed.sort();
            eprintln!("{} seeds failed: {}", failed.len(), failed.join(", "));
        }
        return ExitCode::FAILURE;
    }
    let Totals { steps, requests, succeeded, .. } = totals;
    let seconds = started.elapsed().as_secs_f64();
    let rate = arguments.seeds as f64 / seconds;
    println!(
        "{} seeds, {requests} requests ({succeeded} with a result), {steps} events in {seconds:.1} s: {rate:.0} seeds/s",
        arguments.seeds
    );
    ExitCode::SUCCESS
}
