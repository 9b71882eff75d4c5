//! Formats the results of a run: for the terminal, as JSON, as JUnit XML and as an HTML page.

pub mod html;
pub mod json;
pub mod junit;
pub mod readme;
pub mod terminal;

use std::time::Duration;

use super::cell::{Finished, Outcome};

/// A completed run.
#[derive(Debug)]
pub struct Run {
    /// All cells, sorted by scenario and triple.
    pub cells: Vec<Finished>,
    /// Duration of the run.
    pub took: Duration,
    /// The command-line arguments that selected the cells.
    pub selection: String,
}

/// Number of cells by result.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Passed as expected.
    pub passed: usize,
    /// Failed without an entry in `known.toml`.
    pub failed: usize,
    /// Failed as listed in `known.toml`.
    pub known: usize,
    /// Passed although listed as failing.
    pub unexpected: usize,
    /// Skipped as listed in `known.toml`.
    pub skipped: usize,
    /// Skipped without an entry in `known.toml`.
    pub unlisted: usize,
}

impl Counts {
    /// Counts a cell.
    pub fn add(&mut self, finished: &Finished) {
        let number = match (&finished.outcome, finished.is_bad()) {
            (Outcome::Passed, false) => &mut self.passed,
            (Outcome::Passed, true) => &mut self.unexpected,
            (Outcome::Failed { .. }, true) => &mut self.failed,
            (Outcome::Failed { .. }, false) => &mut self.known,
            (Outcome::Skipped { .. }, false) => &mut self.skipped,
            (Outcome::Skipped { .. }, true) => &mut self.unlisted,
        };
        *number += 1;
    }

    /// Number of cells that were run.
    #[must_use]
    pub const fn executed(&self) -> usize {
        self.passed + self.failed + self.known + self.unexpected
    }

    /// Number of cells that make the run fail.
    #[must_use]
    pub const fn bad(&self) -> usize {
        self.failed + self.unexpected + self.unlisted
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} executed: {} passed, {} failed, {} known failures, {} passed unexpectedly; {} skipped, {} skipped unexpectedly",
            self.executed(),
            self.passed,
            self.failed,
            self.known,
            self.unexpected,
            self.skipped,
            self.unlisted
        )
    }
}

impl Run {
    /// Number of cells by result.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.cells.iter().for_each(|cell| counts.add(cell));
        counts
    }

    /// The scenarios in order, each once.
    #[must_use]
    pub fn scenarios(&self) -> Vec<&super::scenario::Scenario> {
        let mut all: Vec<&super::scenario::Scenario> = self.cells.iter().map(|done| &*done.cell.scenario).collect();
        all.dedup_by_key(|scenario| &scenario.name);
        all
    }
}

/// One line that says why a cell failed or was skipped. Empty for a cell that passed as expected.
#[must_use]
pub fn reason(finished: &Finished) -> String {
    match (&finished.outcome, &finished.known) {
        (Outcome::Passed, None) => String::new(),
        (Outcome::Passed, Some(known)) => format!("passed, but known.toml lists it as failing: {known}"),
        (Outcome::Failed { why, .. }, None) => why.clone(),
        (Outcome::Failed { why, .. }, Some(known)) => format!("known failure: {known} ({why})"),
        (Outcome::Skipped { why }, None) => format!("skipped without a reason in known.toml: {why}"),
        (Outcome::Skipped { .. }, Some(known)) => known.clone(),
    }
}
