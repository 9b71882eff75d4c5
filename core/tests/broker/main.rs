//! The broker's machine in scenarios over virtual time, one behaviour a file.

mod client_liveness;
mod directory;
mod drain;
mod expiry;
mod fail_fast;
mod retry;
mod takeover;
mod world;
