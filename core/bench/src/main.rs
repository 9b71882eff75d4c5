//! Measures every contender in turn, repeatedly, and writes the results.
//!
//! A contender is three programs: a broker, a worker that echoes, and a client that keeps a window
//! of requests in flight. `make bench` builds them and passes their locations. A missing program is
//! not measured, and the document says so.

mod conditions;
mod contender;
mod document;
mod measure;
mod plot;
mod profile;
mod results;
mod role;
mod special;
mod targets;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use contender::Programs;
use measure::Load;
use results::Results;
use special::Special;

/// The loads that all contenders run; the larger windows show how they scale.
const LOADS: [Load; 5] = [
    Load { requests: 20_000, window: 1, body_bytes: 5 },
    Load { requests: 200_000, window: 100, body_bytes: 5 },
    Load { requests: 200_000, window: 200, body_bytes: 5 },
    Load { requests: 200_000, window: 1_000, body_bytes: 5 },
    Load { requests: 20_000, window: 16, body_bytes: 65_536 },
];

/// The load of clients with 50 threads, each of which waits for its own reply.
const THREADS_LOAD: Load = Load { requests: 200_000, window: 50, body_bytes: 5 };

/// Measures PIGATO in every language beside the libzmq baseline, the published package and NATS
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    programs: Programs,

    /// Runs of each contender, in turn; the figures are medians
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,

    /// Factor for the number of requests
    #[arg(long, default_value_t = 1.0)]
    scale: f64,

    /// Folder for performance.md and its plots in performance/
    #[arg(long, value_name = "FOLDER")]
    into: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let contenders = arguments.programs.contenders();
    let conditions = conditions::Conditions::read_all(arguments.rounds, arguments.scale);
    let mut results = Results::default();
    for load in LOADS {
        results.add(measure::compare(&contenders, load, arguments.rounds, arguments.scale)?);
    }
    let threads = arguments.programs.threads();
    if !threads.is_empty() {
        results.add(measure::compare(&threads, THREADS_LOAD, arguments.rounds, arguments.scale)?);
    }
    results.special = Special::measure(&arguments.programs, arguments.rounds, arguments.scale);
    results.profiles = profile::measure(&arguments.programs);
    let missing = arguments.programs.missing();
    document::write(&arguments.into, &conditions, &results, &missing)?;
    let failed = results.failed();
    if failed.is_empty() {
        return Ok(());
    }
    Err(format!("failed; the document has the details: {}", failed.join(", ")))
}
