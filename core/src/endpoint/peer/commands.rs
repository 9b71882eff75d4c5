//! Commands for clients and workers.

use std::time::Duration;

use pigato_frame::Frame;

use crate::client;
use crate::config::{Concurrency, RequestOptions};
use crate::protocol::{Payload, ReplyKind, ServiceName};
use crate::worker;

/// A command for a client.
#[derive(Debug)]
pub enum ClientCommand {
    /// Make a request. Ends with `Event::Final` or `Event::Failed`.
    Request {
        /// The number by which events name the request; must not be in use.
        number: client::RequestNumber,
        /// The requested service.
        service: ServiceName,
        /// The data frame.
        data: Frame,
        /// The options.
        options: Box<RequestOptions>,
    },
    /// Cancel a request; it fails with `C_CANCELLED`.
    Cancel(client::RequestNumber),
    /// Let the worker send this many more partial replies.
    Grant {
        /// The request.
        number: client::RequestNumber,
        /// How many more.
        partials: u32,
    },
    /// Tell the worker that the reply is still wanted.
    Heartbeat(client::RequestNumber),
    /// Stop. Ends with `Event::Stopped`.
    Stop,
}

/// A command for a worker.
#[derive(Debug)]
pub enum WorkerCommand {
    /// Send a reply.
    Reply {
        /// The request or job.
        number: worker::RequestNumber,
        /// Partial or final.
        kind: ReplyKind,
        /// The reply.
        payload: Payload,
    },
    /// Reject a request, so that another worker answers it.
    Reject {
        /// The job.
        number: worker::RequestNumber,
        /// The reason, as JSON.
        reason: Frame,
    },
    /// Change the number of concurrent jobs.
    SetConcurrency(Concurrency),
    /// Send a heartbeat now.
    Heartbeat {
        /// Whether a core service asks for a publication of the directory.
        update: bool,
    },
    /// Stop when all jobs are answered, or after this time. Ends with `Event::Stopped`.
    Drain(Duration),
    /// Stop now. Ends with `Event::Stopped`.
    Stop,
}
