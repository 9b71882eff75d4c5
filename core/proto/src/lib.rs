//! PIGATO's protocol and its broker, client and worker as state machines, without I/O.
//!
//! The machines follow one pattern: the caller passes in the present time with every input (`handle_*` methods and
//! commands), takes outputs from `poll_output()` until it is empty, and calls `handle_timeout(now)` when `next_deadline()`
//! has passed. Randomness comes from an [`Entropy`](entropy::Entropy) that the caller seeds. A run is therefore
//! repeatable, and tests use virtual time.
//!
//! The crate depends on no crate with sockets, threads or a clock. The crate `pigato` runs the machines over ZeroMQ.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod broker;
pub mod client;
pub mod config;
pub mod entropy;
pub mod error;
pub mod index;
pub mod limits;
pub mod option_name;
pub mod protocol;
pub mod session;
mod timers;
pub mod worker;

pub use config::{Codec, Concurrency, DispatchMode, RequestOptions, Timeout};
pub use error::{Error, ErrorCode};
