//! PIGATO: brokered request/reply microservices over ZeroMQ.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

pub mod broker;
pub mod client;
pub mod config;
pub mod entropy;
pub mod error;
pub mod limits;
pub mod link;
pub mod protocol;
mod timers;
pub mod worker;
