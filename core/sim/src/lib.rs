//! Simulates PIGATO brokers, workers and clients on a seeded, faulty network with a virtual clock.
//!
//! The state machines are the real ones; sockets, threads and time are simulated. A seed chooses
//! the peers, their options, the faults and then every event: the same seed yields the same run,
//! event by event. The rules ([`Rule`]) are checked at every step. Then the faults stop, and every
//! request must finish.
//!
//! ```
//! let simulation = pigato_sim::Simulation::new(7);
//! let summary = simulation.run().unwrap_or_else(|failure| panic!("{failure}"));
//! assert!(summary.steps > 0);
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod hosts;
mod mutation;
mod network;
mod oracle;
mod random;
mod scenario;
mod trace;
mod world;

use std::fmt;

pub use mutation::Mutation;
pub use oracle::{Rule, Violation};
pub use scenario::Scenario;

use random::Random;
use world::World;

/// One simulation run, not yet started.
#[derive(Debug, Clone)]
pub struct Simulation {
    seed: u64,
    mutation: Option<Mutation>,
    is_verbose: bool,
}

/// The result of a run in which all rules held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Differs between any two runs that differ in any event.
    pub trace_hash: u64,
    /// Number of events.
    pub steps: u64,
    /// Requests that clients made.
    pub requests: usize,
    /// Requests that ended with status 0.
    pub succeeded: u64,
    /// Requests that ended with an error.
    pub failed: u64,
}

/// A run that broke a rule, with the information needed to investigate it.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The seed that reproduces the failure.
    pub seed: u64,
    /// The rule that was broken and what was observed.
    pub violation: Violation,
    scenario: Scenario,
    last_events: Vec<String>,
}

impl Simulation {
    /// Creates the run of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, mutation: None, is_verbose: false }
    }

    /// Whether to print every event.
    #[must_use]
    pub fn verbose(mut self, is_verbose: bool) -> Self {
        self.is_verbose = is_verbose;
        self
    }

    /// Breaks a rule on purpose, to test the simulator.
    #[doc(hidden)]
    #[must_use]
    pub fn mutated(mut self, mutation: Mutation) -> Self {
        self.mutation = Some(mutation);
        self
    }

    /// Runs to the end or to the first broken rule.
    ///
    /// # Errors
    ///
    /// A [`Failure`] if a rule was broken.
    pub fn run(&self) -> Result<Summary, Box<Failure>> {
        let mut random = Random::new(self.seed);
        let scenario = Scenario::choose(&mut random);
        let mut world = World::new(scenario.clone(), random, self.mutation, self.is_verbose);
        world.run();
        if let Some(violation) = world.ledger.verdict.violation().cloned() {
            let last_events = world.trace.last_lines();
            return Err(Box::new(Failure { seed: self.seed, violation, scenario, last_events }));
        }
        Ok(Summary {
            trace_hash: world.trace.hash(),
            steps: world.trace.steps(),
            requests: world.ledger.requests(),
            succeeded: world.ledger.succeeded,
            failed: world.ledger.failed,
        })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {} breaks a rule: {}", self.seed, self.violation.rule)?;
        writeln!(f, "  {}", self.violation.detail)?;
        writeln!(f, "options: {:#?}", self.scenario)?;
        writeln!(f, "last events:")?;
        for line in &self.last_events {
            writeln!(f, "  {line}")?;
        }
        write!(f, "replay: cargo run -p pigato-sim --release -- --seed {} --verbose", self.seed)
    }
}

impl std::error::Error for Failure {}
