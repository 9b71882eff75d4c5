//! A cell of the matrix and what becomes of it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::drivers::Role;
use super::scenario::Scenario;

/// Which languages the client, the worker and the broker of a cell have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Triple {
    /// The client's.
    pub client: String,
    /// The worker's.
    pub worker: String,
    /// The broker's.
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
    /// What happens.
    pub scenario: Arc<Scenario>,
    /// Who takes part.
    pub triple: Triple,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.scenario.name, self.triple)
    }
}

/// What became of a cell.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// All that had to happen did.
    Passed,
    /// Something did not.
    Failed {
        /// What.
        why: String,
        /// What the processes said and were told.
        log: String,
    },
    /// It cannot be run.
    Skipped {
        /// Why.
        why: String,
    },
}

/// A cell that is done.
#[derive(Debug, Clone)]
pub struct Finished {
    /// Which.
    pub cell: Cell,
    /// What became of it.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
    /// Why a failure was expected, if it was.
    pub known: Option<String>,
}

impl Finished {
    /// Whether it makes the run fail.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        match self.outcome {
            Outcome::Passed => self.known.is_some(),
            Outcome::Failed { .. } | Outcome::Skipped { .. } => self.known.is_none(),
        }
    }
}
