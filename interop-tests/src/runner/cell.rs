//! A cell of the matrix and its outcome.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::drivers::Role;
use super::scenario::Scenario;

/// The languages of the client, worker and broker of a cell.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Triple {
    /// The client's language.
    pub client: String,
    /// The worker's language.
    pub worker: String,
    /// The broker's language.
    pub broker: String,
}

impl Triple {
    /// The language of a role.
    #[must_use]
    pub fn of(&self, role: Role) -> &str {
        match role {
            Role::Client => &self.client,
            Role::Worker => &self.worker,
            Role::Broker => &self.broker,
        }
    }
}

impl fmt::Display for Triple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.client, self.worker, self.broker)
    }
}

/// A scenario with three languages.
#[derive(Debug, Clone)]
pub struct Cell {
    /// The scenario.
    pub scenario: Arc<Scenario>,
    /// The languages.
    pub triple: Triple,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.scenario.name, self.triple)
    }
}

/// The outcome of a cell.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Every step succeeded.
    Passed,
    /// A step failed.
    Failed {
        /// The reason.
        why: String,
        /// The lines exchanged with the processes.
        log: String,
    },
    /// The cell cannot run.
    Skipped {
        /// The reason.
        why: String,
    },
}

/// A completed cell.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The cell.
    pub cell: Cell,
    /// Its outcome.
    pub outcome: Outcome,
    /// Its duration.
    pub took: Duration,
    /// The reason in `known.toml`, if the cell is listed.
    pub known: Option<String>,
}

impl Finished {
    /// Whether the cell makes the run fail.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        match self.outcome {
            Outcome::Passed => self.known.is_some(),
            Outcome::Failed { .. } | Outcome::Skipped { .. } => self.known.is_none(),
        }
    }
}
