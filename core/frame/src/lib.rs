//! One frame of a ZeroMQ message, as a value that is cheap to clone and safe to keep.
//!
//! [`Frame`] is an immutable byte buffer with shared ownership. Where it lives depends on the
//! feature `zmq`:
//!
//! - with it (the default), a long frame *is* a libzmq message. A body that arrives on one socket
//!   and leaves by another is never copied, and neither is a large `Vec` that becomes a frame.
//!   `Frame::recv`, `Frame::send` and `Context` use libzmq;
//! - without it, a frame is a small inline array or an `Arc<Vec<u8>>`. This build has no I/O, no
//!   dependency and no `unsafe` code, so that protocol code compiles and can be tested anywhere.
//!
//! Everything else about a frame is equal in both builds.
//!
//! ```
//! use pigato_frame::Frame;
//!
//! let frame = Frame::from("echo");
//! let shared = frame.clone();
//! assert_eq!(shared, "echo");
//! assert_eq!(&frame[1..3], b"ch");
//! ```
//!
//! This crate contains all `unsafe` code of the core, with the reason why it is sound.

#![deny(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]
#![cfg_attr(not(feature = "zmq"), forbid(unsafe_code))]

mod frame;
mod storage;

#[cfg(feature = "zmq")]
mod context;
#[cfg(all(feature = "zmq", unix))]
mod fork;
#[cfg(feature = "zmq")]
mod socket;

#[cfg(feature = "zmq")]
pub use context::{has, libzmq_version, Context};
#[cfg(all(feature = "zmq", unix))]
pub use fork::fork_generation;
pub use frame::Frame;
#[cfg(feature = "zmq")]
pub use socket::{stop_monitor, Receiver};
