//! What the live tests with other implementations share: a driver for peers in processes of their own, and a worker
//! that behaves as the published package's peer program does.

pub mod behaviours;
pub mod peer;
