//! What the broker's machine asks of its owner, and what it tells.

use super::keys::RequestKey;
use super::stored_request::StoredRequest;
use crate::protocol::{BrokerToClient, BrokerToWorker, DecodeError, Frame, PeerId, RequestId, ServiceName};

/// Something for the machine's owner to do. Drained with [`Machine::poll_output`](super::Machine::poll_output).
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Send a message to a client or worker.
    Send {
        /// Where to.
        peer: PeerId,
        /// What.
        message: Message,
    },
    /// Publish one frame on `intch`.
    Publish(Frame),
    /// Tell whoever wants to know.
    Event(Event),
}

/// An output that waits to be polled.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) output: Output,
    /// The request that it hands to a worker.
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
    /// A worker offers a service.
    WorkerJoined {
        /// Its identity.
        worker: PeerId,
        /// What it offers.
        service: ServiceName,
    },
    /// A worker is gone.
    WorkerLeft {
        /// Its identity.
        worker: PeerId,
        /// What it offered.
        service: ServiceName,
        /// Why.
        reason: Loss,
    },
    /// A client is gone; its requests were cancelled.
    ClientLeft {
        /// Its identity.
        client: PeerId,
        /// Why.
        reason: Loss,
    },
    /// A peer broke the protocol; a worker that does is told to disconnect.
    ProtocolError {
        /// Who.
        peer: PeerId,
        /// How.
        error: Violation,
    },
    /// A request with `persist` is to be kept: it has just come, goes to a worker, or has another client than before. Takes the
    /// place of what was kept under the same client and id. Only with [`Persistence::On`](super::Persistence::On).
    Stored(Box<StoredRequest>),
    /// A request need not be kept any more: it has ended, whichever way, or is kept under another client from now on (what is
    /// kept then follows). Comes once for every request that was stored, but for those that a stopped broker leaves to its
    /// next life.
    Removed {
        /// Its client.
        client: PeerId,
        /// Its id.
        id: RequestId,
    },
    /// The broker has stopped: everything that it had accepted has ended and its workers know.
    Drained,
}

/// Why a peer is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// It said so.
    Disconnected,
    /// It was silent for longer than its liveness.
    Silent,
    /// Its connection is gone.
    Unroutable,
    /// It read too slowly and more was waiting for it than may wait.
    Overflow,
    /// It broke the protocol.
    ProtocolError,
    /// It announced itself anew.
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

/// How a peer broke the protocol.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Violation {
    /// A message that could not be decoded.
    Malformed(DecodeError),
    /// A reply to a request that the worker was never handed, or a second final one.
    UnexpectedReply,
    /// A message of a worker that never announced itself, or was told to disconnect.
    UnknownWorker,
    /// A second request under the id of one that has not ended.
    DuplicateRequest,
    /// More workers than the broker takes.
    TooManyWorkers,
}

impl Violation {
    /// Its name, the same in every language; for a message that could not be decoded, what the published peers call it.
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
