//! The native part of the Node.js package: handles of the core, and events packed into buffers.
//!
//! Nothing here knows the protocol, a default or a time. Calls never block but for the I/O thread's answer to `statistics`
//! and `directory`. Events are pulled: `wake` is called, on Node's thread, when there are some again after there were
//! none, and `drain` packs many of them into one buffer. JavaScript slices it (`lib/events.js`, which is the other half of
//! `pack.rs`); the other way round it packs requests and replies (`lib/packer.js`), which `unpack.rs` reads.

#![allow(clippy::needless_pass_by_value, reason = "what comes from JavaScript is owned")]

mod broker;
mod client;
mod directory;
mod error;
pub mod options;
mod pack;
mod stored;
mod unpack;
mod wake;
mod worker;
