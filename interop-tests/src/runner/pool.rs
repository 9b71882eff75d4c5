//! Runs the units of a plan concurrently.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::time::Instant;

use super::cell::{Cell, Finished, Outcome};
use super::drivers::Drivers;
use super::mutation::Mutation;
use super::process::Log;
use super::stage::Stage;
use super::steps::Steps;

/// Runs all units on `jobs` threads and sends each cell's outcome when it is complete.
pub fn run(
    drivers: &Drivers,
    mutation: Option<&Mutation>,
    units: &[Vec<Cell>],
    jobs: usize,
    finished: &Sender<Finished>,
) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                while let Some(unit) = units.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // The receiver is gone: the run is over.
                    if run_unit(drivers, mutation, unit, finished).is_err() {
                        return;
                    }
                }
            });
        }
    });
}

/// Runs cells on one stage. After a failure the next cell gets a new stage.
fn run_unit(
    drivers: &Drivers,
    mutation: Option<&Mutation>,
    unit: &[Cell],
    finished: &Sender<Finished>,
) -> Result<(), ()> {
    let log = Log::default();
    let mut stage: Option<Stage<'_>> = None;
    for (number, cell) in unit.iter().enumerate() {
        let began = Instant::now();
        if let Some(stage) = &mut stage {
            stage.forget();
        } else {
            log.clear();
        }
        let mut result = run_cell((drivers, mutation), cell, number, &mut stage, &log);
        if result.is_err() {
            stage = None;
        } else if number + 1 == unit.len() {
            result = stage.take().map_or(Ok(()), Stage::close).map_err(|why| format!("while stopping: {why}"));
        }
        let outcome = match result {
            Ok(()) => Outcome::Passed,
            Err(why) => Outcome::Failed { why, log: log.text() },
        };
        let done = Finished { cell: cell.clone(), outcome, took: began.elapsed(), known: None };
        finished.send(done).map_err(|_| ())?;
    }
    Ok(())
}

fn run_cell<'a>(
    (drivers, mutation): (&'a Drivers, Option<&'a Mutation>),
    cell: &Cell,
    number: usize,
    stage: &mut Option<Stage<'a>>,
    log: &Log,
) -> Result<(), String> {
    let stage = match stage {
        Some(stage) => stage,
        None => {
            stage.insert(Stage::open(drivers, mutation, cell, log).map_err(|why| format!("while starting: {why}"))?)
        }
    };
    Steps::new(stage, &cell.scenario, number).run()
}
