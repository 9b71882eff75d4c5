//! The runner of the matrix: scenarios as data, one driver program per language, every cell a client, a worker and a
//! broker of some languages.
//!
//! [`scenario`] reads what is to happen, [`drivers`] which languages there are, [`plan`] makes cells of both, [`stage`]
//! has the processes of a cell, [`steps`] does what a scenario says, [`known`] judges, [`report`] tells.

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
