//! The interop matrix and its runner, and what the live tests with the published package share: a driver for peers in
//! processes of their own, and a worker that behaves as the published package's driver does.

pub mod behaviours;
pub mod peer;
pub mod runner;
