//! The fuzz targets. The machines are checked by the same simulated owners as in their tests.

mod broker_steps;
mod messages;
#[path = "../../proto/tests/support/steps.rs"]
mod steps;
#[path = "../../proto/tests/support/mod.rs"]
mod support;
// The broker scenarios use all of it.
#[allow(dead_code)]
#[path = "../../proto/tests/broker/world.rs"]
mod world;
mod zmtp;

pub use broker_steps::run as broker;
pub use messages::{decode, joined, parse};
pub use zmtp::zmtp;

/// Runs a client with the inputs that the bytes encode.
pub fn client(bytes: &[u8]) {
    steps::run_client(bytes);
}

/// Runs a worker with the inputs that the bytes encode.
pub fn worker(bytes: &[u8]) {
    steps::run_worker(bytes);
}
