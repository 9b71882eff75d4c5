//! The native part of the Node.js package: handles of the core's binding API, and packed buffers.
//!
//! No code here knows the protocol, a default or a timer. Only `statistics` and `directory` block,
//! until the I/O thread answers.
//!
//! - Events: when a handle's event queue becomes non-empty, `wake` is called on Node's thread.
//!   `drain` then packs many events into one buffer: `pack.rs` writes it, `lib/events.js` reads it.
//! - Requests and replies: `lib/packer.js` writes many of them into a buffer, `unpack.rs` reads it.

#![allow(clippy::needless_pass_by_value, reason = "napi passes owned values")]

mod broker;
mod client;
mod directory;
mod error;
pub mod options;
mod pack;
mod peer;
mod stored;
mod unpack;
mod wake;
mod worker;
