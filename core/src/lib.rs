//! PIGATO: brokered request/reply microservices over ZeroMQ.
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![deny(clippy::disallowed_methods)]

#[cfg(feature = "driver")]
#[allow(clippy::disallowed_methods, reason = "ring 3 has the clock")]
mod api;
pub mod broker;
pub mod client;
pub mod config;
#[cfg(feature = "driver")]
#[allow(clippy::disallowed_methods, reason = "ring 3 has the clock")]
pub mod driver;
pub mod entropy;
pub mod error;
pub mod limits;
pub mod link;
pub mod protocol;
mod timers;
pub mod worker;

#[cfg(feature = "driver")]
pub use api::{
    services, Broker, BrokerBuilder, Client, ClientBuilder, HandlerError, Job, PeerEvent, RemoteError, Replies, Reply,
    ReplyWriter, Request, RequestBuilder, RequestError, Response, Worker, WorkerBuilder,
};
pub use config::{Codec, Concurrency, DispatchMode, RequestOptions, Timeout};
pub use error::{Error, ErrorCode};
