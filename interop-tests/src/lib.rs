//! The interop matrix and its runner, and helpers of the live tests with the published package:
//! peers in separate processes, and a worker with the behaviours of the published package's driver.

pub mod behaviours;
pub mod peer;
pub mod runner;
