//! The commands, one module per command.

pub(crate) mod bench;
pub(crate) mod broker;
pub(crate) mod directory;
pub(crate) mod request;
pub(crate) mod worker;
