//! What a worker's machine reports to its user.

use super::jobs::RequestNumber;
use crate::config::Timeout;
use crate::protocol::{Frame, Malformed, PeerId, RequestId, ServiceName};

/// A request that the broker has delivered to this worker.
#[derive(Debug, Clone, PartialEq)]
pub struct IncomingRequest {
    /// The number of the job that it becomes.
    pub number: RequestNumber,
    /// The client's identity.
    pub client: PeerId,
    /// The name that the client asked for. A worker that offers a wildcard needs it.
    pub service: ServiceName,
    /// The client's request id.
    pub id: RequestId,
    /// The data.
    pub data: Frame,
    /// The client's options: JSON, or empty.
    pub options: Frame,
    /// The part of the timeout that was left when the broker sent the request; `None`: the broker did not say.
    pub remaining: Option<Timeout>,
    /// 1 for the first worker that gets the request, 2 for the second, …
    pub attempt: u32,
    /// Partial replies that may be sent before [`Event::Credit`]; `None`: no limit.
    pub credit: Option<u32>,
}

/// Why a job ended without a final reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelReason {
    /// The client cancelled the request, or it expired, or the client is gone.
    Client,
    /// The connection to the broker was lost.
    Disconnected,
    /// The worker was stopped.
    Stopped,
}

/// An event for the user.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The broker has sent its first message of this session.
    Connected,
    /// The session has ended. Another one follows unless the worker was stopped.
    Disconnected,
    /// The worker has stopped. Nothing follows.
    Stopped,
    /// The broker sent something that breaks the protocol.
    ProtocolError(Malformed),
    /// A request to answer.
    Request(Box<IncomingRequest>),
    /// The reply is no longer wanted; the job has ended.
    Cancelled {
        /// The job.
        number: RequestNumber,
        /// Why.
        reason: CancelReason,
    },
    /// The client still waits for the reply.
    Heartbeat {
        /// The job.
        number: RequestNumber,
    },
    /// More partial replies may be sent.
    Credit {
        /// The job.
        number: RequestNumber,
        /// How many more.
        partials: u32,
    },
}
