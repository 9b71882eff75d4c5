//! Runs the interop matrix: scenarios × (client, worker, broker). `make interop` builds what it
//! needs first.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use pigato_interop::runner::cell::{Cell, Finished, Outcome};
use pigato_interop::runner::drivers::Drivers;
use pigato_interop::runner::known::{is_match, Known};
use pigato_interop::runner::mutation::Mutation;
use pigato_interop::runner::plan::{plan, Plan};
use pigato_interop::runner::report::terminal::{table, Progress};
use pigato_interop::runner::report::{html::html, json::json, junit::junit, readme, Run};
use pigato_interop::runner::{pool, scenario};

/// Test every language of PIGATO with every other and with the published packages
///
/// A cell of the matrix is a scenario with the languages of its client, worker and broker. Exit
/// status: 0 every outcome is as expected, 1 otherwise, 2 wrong usage or no run.
#[derive(Debug, Parser)]
struct Arguments {
    /// Run all combinations of languages for all scenarios, not only for smoke scenarios
    #[arg(long)]
    full: bool,
    /// Run only these cells: SCENARIO/CLIENT/WORKER/BROKER; a part may be `*` or end with `*`, and
    /// trailing parts may be omitted
    #[arg(long, value_name = "CELLS")]
    only: Vec<String>,
    /// List the cells without running them
    #[arg(long)]
    list: bool,
    /// Number of concurrent cells
    #[arg(long, default_value_t = 6, value_name = "N")]
    jobs: usize,
    /// Break the clients and workers of a language on purpose, to check that cells fail:
    /// drop-options, swap-partials, repeat-reply, late-reply or ignore-status
    #[arg(long = "break", value_name = "LANGUAGE=MUTATION")]
    mutation: Option<Mutation>,
    /// Write the results as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the results as an HTML page
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write a table of the results between the markers in this Markdown file
    #[arg(long, value_name = "FILE", conflicts_with_all = ["only", "mutation"])]
    readme: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("interop: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, String> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let drivers = Drivers::read(&home.join("drivers"), program.parent().unwrap_or(home))?;
    let known = Known::read(&home.join("known.toml"))?;
    let scenarios: Vec<_> = scenario::read(&home.join("scenarios"))?.into_iter().map(Arc::new).collect();
    let is_wanted = |cell: &Cell| {
        let name = cell.to_string();
        arguments.only.is_empty() || arguments.only.iter().any(|pattern| is_match(pattern, &name))
    };
    // `--only` selects from all combinations, including those that pairwise testing omits.
    let plan = plan(&drivers, &scenarios, arguments.full || !arguments.only.is_empty(), is_wanted);
    if arguments.list {
        plan.units.iter().flatten().for_each(|cell| println!("{cell}"));
        return Ok(true);
    }
    if plan.units.is_empty() {
        return Err(format!("no cell matches {}; --list prints all cells", arguments.only.join(" or ")));
    }
    let run = execute(&drivers, &known, &plan, arguments);
    report(arguments, &run)?;
    print!("{}", table(&run));
    if !arguments.only.is_empty() {
        print_logs(&run);
    }
    Ok(run.counts().bad() == 0)
}

fn execute(drivers: &Drivers, known: &Known, plan: &Plan, arguments: &Arguments) -> Run {
    let began = Instant::now();
    let (sender, receiver) = channel();
    let mut progress = Progress::new(plan.units.iter().map(Vec::len).sum());
    let mut cells: Vec<Finished> = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || pool::run(drivers, arguments.mutation.as_ref(), &plan.units, arguments.jobs, &sender));
        for mut finished in receiver {
            known.judge(&mut finished);
            progress.update(&finished);
            cells.push(finished);
        }
    });
    progress.end();
    for (cell, lack) in &plan.skipped {
        let why = format!("the {} {} lacks `{}`", lack.language, lack.role, lack.capability);
        let outcome = Outcome::Skipped { why };
        let known = known.reason_for(lack).map(str::to_owned);
        cells.push(Finished { cell: cell.clone(), outcome, took: Duration::ZERO, known });
    }
    cells.sort_by(|one, other| order(one).cmp(&order(other)));
    let selection = std::env::args().skip(1).collect::<Vec<_>>().join(" ");
    Run { cells, took: began.elapsed(), selection }
}

fn order(finished: &Finished) -> (&str, bool, &str, &pigato_interop::runner::cell::Triple) {
    let scenario = &finished.cell.scenario;
    (&scenario.group, !scenario.smoke, &scenario.name, &finished.cell.triple)
}

fn report(arguments: &Arguments, run: &Run) -> Result<(), String> {
    let write = |path: &Option<PathBuf>, text: &dyn Fn() -> String| match path {
        Some(path) => std::fs::write(path, text()).map_err(|error| format!("{}: {error}", path.display())),
        None => Ok(()),
    };
    write(&arguments.json, &|| format!("{:#}\n", json(run)))?;
    write(&arguments.junit, &|| junit(run))?;
    write(&arguments.html, &|| html(run))?;
    let Some(path) = &arguments.readme else { return Ok(()) };
    let describe = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| describe(&error))?;
    std::fs::write(path, readme::with_table(&text, run).map_err(|error| describe(&error))?).map_err(|e| describe(&e))
}

fn print_logs(run: &Run) {
    for finished in &run.cells {
        if let Outcome::Failed { log, .. } = &finished.outcome {
            println!("\n{}\n{log}", finished.cell);
        }
    }
}
