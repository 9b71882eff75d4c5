//! The C interface: opaque handles over [`pigato::binding`], status codes from the core's table, events as structs.
//!
//! Nothing here knows the protocol. Each function checks its arguments, calls the core and returns the outcome as a
//! status; a panic becomes a status too. The rules for callers are at the top of `include/pigato.h`, which is generated
//! from these sources and `pigato.h.in`.
//!
//! | Module | Contents |
//! |---|---|
//! | [`status`] | status codes, the last error, catching panics |
//! | [`arguments`] | pointers in, pointers out |
//! | [`text`] | text that the caller owns |
//! | [`options`] | options by name |
//! | [`event`] | what all events have in common |
//! | `handle` | what all handles have in common: descriptor, poll, cork, free |
//! | [`client`], [`worker`], [`broker`], [`directory`] | one handle each |

// Every exported function relies on the rules in the header; a `# Safety` section for each would repeat them.
#![allow(clippy::missing_safety_doc)]
#![allow(non_camel_case_types)]
#![deny(missing_docs)]

pub mod arguments;
pub mod broker;
pub mod client;
pub mod directory;
pub mod event;
mod handle;
pub mod options;
pub mod status;
pub mod text;
pub mod worker;
