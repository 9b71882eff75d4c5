//! Outputs of the broker's machine.

use super::keys::RequestKey;
use super::stored_request::StoredRequest;
use crate::protocol::{BrokerToClient, BrokerToWorker, DecodeError, Frame, PeerId, RequestId, ServiceName};

/// An action for the machine's owner. [`Machine::poll_output`](super::Machine::poll_output) returns
/// it.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Send a message to a client or worker.
    Send {
        /// The receiver.
        peer: PeerId,
        /// The message.
        message: Message,
    },
    /// Publish one frame on `intch`.
    Publish(Frame),
    /// Report an event.
    Event(Event),
}

/// An output that waits to be polled.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) output: Output,
    /// The request that it dispatches to a worker.
    pub(super) request: Option<RequestKey>,
}

/// A message to either kind of peer.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// To a client.
    Client(BrokerToClient),
    /// To a worker.
    Worker(BrokerToWorker),
}

impl Message {
    /// Appends the message's frames.
    pub fn encode(self, frames: &mut Vec<Frame>) {
        match self {
            Self::Client(message) => message.encode(frames),
            Self::Worker(message) => message.encode(frames),
        }
    }
}

/// Something that happened in the broker.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A worker registered.
    WorkerJoined {
        /// Its identity.
        worker: PeerId,
        /// The service it offers.
        service: ServiceName,
    },
    /// A worker is gone.
    WorkerLeft {
        /// Its identity.
        worker: PeerId,
        /// The service it offered.
        service: ServiceName,
        /// The reason.
        reason: Loss,
    },
    /// A client is gone; its requests were cancelled.
    ClientLeft {
        /// Its identity.
        client: PeerId,
        /// The reason.
        reason: Loss,
    },
    /// A peer violated the protocol. The broker sends a disconnect to a worker that does so.
    ProtocolError {
        /// Its identity.
        peer: PeerId,
        /// The violation.
        error: Violation,
    },
    /// A durable request must be stored: it has arrived, goes to a worker or has changed its
    /// client. Replaces the stored request of the same client and id. Only with
    /// [`Persistence::On`](super::Persistence::On).
    Stored(Box<StoredRequest>),
    /// A durable request can be removed from the store: it has ended, or it moves to another client
    /// (then [`Event::Stored`] follows). Emitted once for every stored request, except those that a
    /// stopped broker leaves to its next run.
    Removed {
        /// Its client.
        client: PeerId,
        /// Its id.
        id: RequestId,
    },
    /// The broker has stopped: all accepted requests have ended or stay in the store, and all
    /// workers have been sent a disconnect.
    Drained,
}

/// Why the broker removed a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// It disconnected.
    Disconnected,
    /// It was silent for the liveness timeout.
    Silent,
    /// Its connection is gone.
    Unroutable,
    /// It read too slowly, and its send queue was full.
    Overflow,
    /// It violated the protocol.
    ProtocolError,
    /// It registered again.
    Restarted,
    /// The broker stopped.
    BrokerStopped,
}

impl Loss {
    /// Its name, the same in every language.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Silent => "silent",
            Self::Unroutable => "unroutable",
            Self::Overflow => "overflow",
            Self::ProtocolError => "protocol_error",
            Self::Restarted => "restarted",
            Self::BrokerStopped => "broker_stopped",
        }
    }
}

/// How a peer violated the protocol.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Violation {
    /// A message that could not be decoded.
    Malformed(DecodeError),
    /// A reply to a request that the worker never had, or a second final reply.
    UnexpectedReply,
    /// A message from a worker that is not registered.
    UnknownWorker,
    /// A request under the id of one that has not ended.
    DuplicateRequest,
    /// The limit of registered workers is reached.
    TooManyWorkers,
}

impl Violation {
    /// Its name, the same in every language. For a malformed message: the name that the published
    /// packages use.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Malformed(error) => error.malformed.published_name(),
            Self::UnexpectedReply => "unexpected_reply",
            Self::UnknownWorker => "unknown_worker",
            Self::DuplicateRequest => "duplicate_request",
            Self::TooManyWorkers => "too_many_workers",
        }
    }
}
