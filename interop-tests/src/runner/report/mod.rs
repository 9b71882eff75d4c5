//! What a run tells: on the terminal, as JSON, as JUnit XML, as a page.

pub mod html;
pub mod json;
pub mod junit;
pub mod readme;
pub mod terminal;

use std::time::Duration;

use super::cell::{Finished, Outcome};

/// A run that is over.
#[derive(Debug)]
pub struct Run {
    /// All cells, by scenario and triple.
    pub cells: Vec<Finished>,
    /// How long it took.
    pub took: Duration,
    /// What was run, in words: the command's arguments.
    pub selection: String,
}

/// How many cells came to what.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Passed as they should.
    pub passed: usize,
    /// Failed, unlisted.
    pub failed: usize,
    /// Failed, as listed in `known.toml`.
    pub known: usize,
    /// Passed, though listed as failing.
    pub unexpected: usize,
    /// Skipped, as listed.
    pub skipped: usize,
    /// Skipped, unlisted.
    pub unlisted: usize,
}

impl Counts {
    /// Adds a cell.
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

    /// Cells that were run.
    #[must_use]
    pub const fn executed(&self) -> usize {
        self.passed + self.failed + self.known + self.unexpected
    }

    /// Cells that make the run fail.
    #[must_use]
    pub const fn bad(&self) -> usize {
        self.failed + self.unexpected + self.unlisted
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} executed: {} passed, {} failed, {} failed as known, {} passed though listed; {} skipped, {} skipped unlisted",
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
    /// How many cells came to what.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        self.cells.iter().for_each(|cell| counts.add(cell));
        counts
    }

    /// The scenarios with their groups, in order, each once.
    #[must_use]
    pub fn scenarios(&self) -> Vec<&super::scenario::Scenario> {
        let mut all: Vec<&super::scenario::Scenario> = self.cells.iter().map(|done| &*done.cell.scenario).collect();
        all.dedup_by_key(|scenario| &scenario.name);
        all
    }
}

/// What went wrong or is missing, in a line; empty for what is as it should be.
#[must_use]
pub fn reason(finished: &Finished) -> String {
    match (&finished.outcome, &finished.known) {
        (Outcome::Passed, None) => String::new(),
        (Outcome::Passed, Some(known)) => format!("passed, though known.toml lists it as failing: {known}"),
        (Outcome::Failed { why, .. }, None) => why.clone(),
        (Outcome::Failed { why, .. }, Some(known)) => format!("known: {known} ({why})"),
        (Outcome::Skipped { why }, None) => format!("skipped, and known.toml does not say why: {why}"),
        (Outcome::Skipped { .. }, Some(known)) => known.clone(),
    }
}
