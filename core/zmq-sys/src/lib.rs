//! FFI declarations for libzmq 4.3.5. The crate builds and links the library.
//!
//! The workspace's replacement for the published `zmq-sys` 0.12. It has everything that the crate
//! `zmq` 0.10 uses, over a newer libzmq compiled with the functions that Linux offers.
//! `core/docs/adr/0001-libzmq.md` has the reasons; `build.rs` describes how to enable CURVE.
//! `generate.sh` writes the declarations, which libzmq's manual documents.

#![allow(non_camel_case_types)]

pub mod errno;

#[allow(missing_docs, clippy::all, clippy::undocumented_unsafe_blocks)]
mod ffi;

pub use ffi::*;

/// A descriptor of the operating system, as in [`zmq_pollitem_t`].
#[cfg(unix)]
pub use std::os::fd::RawFd;
/// A socket of the operating system, as in [`zmq_pollitem_t`].
#[cfg(windows)]
pub use std::os::windows::io::RawSocket as RawFd;

/// libzmq's name for [`RawFd`].
pub type zmq_fd_t = RawFd;
