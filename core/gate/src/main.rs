//! The regression gate: counts the instructions of each step of a request in the machines and
//! compares them with `instructions.toml`.
//!
//! Counts, unlike times, are the same from run to run: valgrind's callgrind counts the instructions
//! between entry and exit of [`measured`], in a process that runs one scenario. The machines are
//! built without sockets, so that neither libzmq nor its compiler affects the counts.

mod callgrind;
mod record;
mod scenarios;
mod verdict;

use std::process::ExitCode;

use record::Record;
use scenarios::Scenario;

const HELP: &str = "\
Counts instructions per request and compares them with the record, core/gate/instructions.toml.

  pigato-gate            fails if a count has grown by more than 5 %
  pigato-gate --renew    writes a new record
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        [] => check(),
        ["--renew"] => renew(),
        [callgrind::SCENARIO, name] => scenario(name),
        ["--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(format!("unknown arguments\n\n{HELP}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn check() -> Result<(), String> {
    let record = Record::read()?;
    let measured = measure_all()?;
    verdict::compare(&record, &measured)
}

fn renew() -> Result<(), String> {
    let measured = measure_all()?;
    verdict::check_limits(&measured)?;
    measured.write()?;
    println!("written: {}", record::path().display());
    Ok(())
}

fn measure_all() -> Result<Record, String> {
    let mut record = Record::empty();
    for scenario in Scenario::ALL {
        let instructions = callgrind::count(scenario.name())? / scenario.operations();
        record.instructions.insert(scenario.name().to_owned(), instructions);
    }
    Ok(record)
}

/// Runs one scenario under valgrind.
fn scenario(name: &str) -> Result<(), String> {
    let scenario = Scenario::ALL.into_iter().find(|scenario| scenario.name() == name);
    scenario.ok_or_else(|| format!("no scenario `{name}`"))?.run();
    Ok(())
}

/// The measured code. Callgrind finds the function by its name.
#[inline(never)]
pub(crate) fn measured(work: &mut dyn FnMut()) {
    work();
    // Prevents a tail call, after which callgrind would see no exit.
    std::hint::black_box(());
}
