//! Brokered request/reply microservices over ZeroMQ.
//!
//! A *client* asks for a service by name, a *broker* queues the request and hands it to a *worker* that has room, the worker
//! answers with any number of partial replies and one final one. All three may be in one process or in many, written with
//! this crate or with any other implementation of the protocol, the published JavaScript package among them.
//!
//! ```
//! use pigato::{Broker, Client, Worker};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let broker = Broker::builder().bind("tcp://127.0.0.1:*").intch(None).start()?;
//!
//! let worker = Worker::connect(broker.endpoint(), "greet")?;
//! let serving = worker.clone();
//! let thread = std::thread::spawn(move || {
//!     serving.serve_blocking(1, |request, _reply| {
//!         let name: String = request.decode()?;
//!         Ok(format!("hello, {name}"))
//!     });
//! });
//!
//! let client = Client::connect(broker.endpoint())?;
//! let greeting: String = client.call_blocking("greet", "world")?;
//! assert_eq!(greeting, "hello, world");
//!
//! worker.stop_blocking();
//! thread.join().expect("the handler's thread");
//! # Ok(())
//! # }
//! ```
//!
//! # Requests
//!
//! [`Client::request`] begins one, its builder's methods set options, `send` gives a [`Response`]: a
//! [`Stream`](futures_core::Stream) of partial replies and then the final one. Futures need no particular runtime, and each
//! has a blocking twin. Dropping a response cancels its request.
//!
//! ```no_run
//! # use std::time::Duration;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let client = pigato::Client::connect("tcp://127.0.0.1:55555")?;
//! let rows = client
//!     .request("stocks", &serde_json::json!({ "symbol": "PGT" }))
//!     .timeout(Duration::from_secs(5)) // without a reply; each partial reply starts it anew
//!     .retry(true)                     // it may run twice, if a worker dies with it
//!     .send();
//! for row in rows.replies() {
//!     println!("{}", row?.json()?);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! In a task it is `client.call("echo", &data).await`, `client.request("echo", &data).await`, or:
//!
//! ```no_run
//! # async fn read(client: pigato::Client) -> Result<(), pigato::RequestError> {
//! let mut response = client.request("stocks", &"PGT").send();
//! while let Some(reply) = response.next().await {
//!     println!("{} bytes", reply?.bytes().len());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Handlers
//!
//! [`Worker::serve_blocking`] runs a handler on threads, [`Worker::serve`] runs asynchronous ones within one future, and
//! [`Worker::next`] hands out requests one by one. What a handler returns is the final reply, an error or a panic becomes a
//! reply with code `W_HANDLER`. A [`ReplyWriter`] sends partial replies, error values and rejections and knows whether the
//! client still wants them.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let worker = pigato::Worker::connect("tcp://127.0.0.1:55555", "count")?;
//! worker.serve_blocking(4, |request, reply| {
//!     let count: u32 = request.decode()?;
//!     for number in 0..count {
//!         reply.write_blocking(&number)?; // waits for a client that reads more slowly; fails when it is gone
//!     }
//!     Ok("done")
//! });
//! # Ok(())
//! # }
//! ```
//!
//! # Errors
//!
//! Everything that fails has an [`ErrorCode`], the same in all languages. A [`RequestError`] is either local (timeout,
//! cancellation, lost connection) or what the worker, or the broker for it, answered with.
//!
//! # Threads
//!
//! One thread, `pigato-io`, serves every broker, worker and client of a process; it sends heartbeats whatever handlers do.
//! `on_event` listeners run on it and must not block. Everything else may be called from any thread. Dropping the last
//! handle ends the thread, after at most a second for what is still to be sent.
//!
//! # The machines
//!
//! The protocol and the state machines of broker, client and worker are the crate `pigato-proto`: no I/O, no clock, no
//! randomness of their own. This crate runs them over sockets and re-exports them. [`binding`] is what bindings to other
//! languages are built on.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod api;
pub mod binding;
pub mod endpoint;
mod random;
pub mod reactor;
mod transport;

pub use api::{
    services, Broker, BrokerBuilder, CancelHandle, Client, ClientBuilder, HandlerError, Job, PeerEvent, RemoteError,
    Replies, Reply, ReplyWriter, Request, RequestBuilder, RequestError, Response, Worker, WorkerBuilder,
};
pub use pigato_frame::libzmq_version;
pub use pigato_proto::{broker, client, config, entropy, error, limits, protocol, session, worker};
pub use pigato_proto::{Codec, Concurrency, DispatchMode, Error, ErrorCode, RequestOptions, Timeout};
