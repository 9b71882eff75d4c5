//! Runs the matrix. Scenarios are data, each language has one driver program, and each cell
//! combines a scenario with the languages of its client, worker and broker.
//!
//! [`scenario`] reads scenarios, [`drivers`] reads the languages, [`plan`] selects cells, [`stage`]
//! manages the processes of a cell, [`steps`] executes a scenario, [`known`] marks expected
//! failures, and [`report`] formats the results.

pub mod cell;
pub mod drivers;
pub mod known;
pub mod mutation;
pub mod plan;
pub mod pool;
pub mod process;
pub mod proxy;
mod raw;
pub mod report;
pub mod scenario;
pub mod stage;
pub mod steps;
pub mod value;
