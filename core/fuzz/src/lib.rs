//! What the fuzz targets do with their bytes. The machines are checked by the owners that their tests use.

mod broker_steps;
mod messages;
#[path = "../../proto/tests/support/steps.rs"]
mod steps;
#[path = "../../proto/tests/support/mod.rs"]
mod support;
// The scenarios use the whole of it.
#[allow(dead_code)]
#[path = "../../proto/tests/broker/world.rs"]
mod world;
mod zmtp;

pub use broker_steps::run as broker;
pub use messages::{decode, joined, parse};
pub use zmtp::zmtp;

/// Runs a client through what the bytes say.
pub fn client(bytes: &[u8]) {
    steps::run_client(bytes);
}

/// Runs a worker through what the bytes say.
pub fn worker(bytes: &[u8]) {
    steps::run_worker(bytes);
}
