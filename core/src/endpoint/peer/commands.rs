//! Commands for clients and workers.

use std::time::Duration;

use pigato_frame::Frame;

use crate::client;
use crate::config::{Concurrency, RequestOptions};
use crate::protocol::{Payload, ReplyKind, ServiceName};
use crate::worker;

/// What a client may be told.
#[derive(Debug)]
pub enum ClientCommand {
    /// Make a request. Ends with `Event::Final` or `Event::Failed`.
    Request {
        /// What events call it; must not be in use.
        token: client::Token,
        /// The service to ask.
        service: ServiceName,
        /// The data frame.
        data: Frame,
        /// The options.
        options: Box<RequestOptions>,
    },
    /// End a request; it fails with `C_CANCELLED`.
    Cancel(client::Token),
    /// Let the worker send this many more partial replies.
    Grant {
        /// For which request.
        token: client::Token,
        /// How many more.
        partials: u32,
    },
    /// Tell the worker that the reply is still wanted.
    Heartbeat(client::Token),
    /// Stop. Ends with `Event::Stopped`.
    Stop,
}

/// What a worker may be told.
#[derive(Debug)]
pub enum WorkerCommand {
    /// Send a reply.
    Reply {
        /// To which request.
        token: worker::Token,
        /// Partial or final.
        kind: ReplyKind,
        /// The reply.
        payload: Payload,
    },
    /// Have another worker answer.
    Reject {
        /// Which request.
        token: worker::Token,
        /// The reason, as JSON.
        reason: Frame,
    },
    /// Take this many requests at a time.
    SetConcurrency(Concurrency),
    /// Send a sign of life now.
    Heartbeat {
        /// Whether a core service asks for a publication of the directory.
        update: bool,
    },
    /// Stop when the live requests are answered, or after this time. Ends with `Event::Stopped`.
    Drain(Duration),
    /// Stop now. Ends with `Event::Stopped`.
    Stop,
}
