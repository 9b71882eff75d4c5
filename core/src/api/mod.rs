//! The Rust interface: futures and streams over the endpoints, with blocking twins.

mod broker;
mod client;
mod client_core;
mod events;
mod job;
mod job_state;
mod latch;
mod peer_builder;
mod reply;
mod response;
mod response_state;
pub mod services;
mod wait;
mod worker;
mod worker_sink;

pub use broker::{Broker, BrokerBuilder};
pub use client::{Client, ClientBuilder, RequestBuilder};
pub use events::PeerEvent;
pub(crate) use job::handler_failure;
pub use job::{HandlerError, Job, ReplyWriter, Request};
pub(crate) use reply::{failure, outcome};
pub use reply::{RemoteError, Reply, RequestError};
pub use response::{CancelHandle, Replies, Response};
pub use worker::{Worker, WorkerBuilder};
