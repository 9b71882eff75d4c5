//! The C interface: opaque handles over [`pigato::binding`], status codes from the core's table, events as structs.
//!
//! Nothing here knows the protocol. Each function checks its arguments, calls the core and turns the outcome into a
//! status; a panic becomes one too. The rules for callers stand at the top of `include/pigato.h` (`cbindgen.toml`), which
//! is made from these sources.
//!
//! | Module | What it is for |
//! |---|---|
//! | [`status`] | the codes, the last error, what becomes of a panic |
//! | [`arguments`] | pointers in, pointers out |
//! | [`options`] | options by name |
//! | [`event`] | what all events have in common |
//! | [`client`], [`worker`], [`broker`], [`directory`] | one handle each |

// Safety of all functions: the rules of the header. What is said there about pointers is what each call relies on.
#![allow(clippy::missing_safety_doc)]
#![allow(non_camel_case_types)]
#![deny(missing_docs)]

pub mod arguments;
pub mod broker;
pub mod client;
pub mod directory;
pub mod event;
pub mod options;
pub mod status;
pub mod worker;
