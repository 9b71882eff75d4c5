//! What a client's machine reports to its user.

use super::pending::RequestNumber;
use crate::error::ErrorCode;
use crate::protocol::{Malformed, Payload};

/// An event for the user.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The broker has sent its first message of this session.
    Connected,
    /// The session has ended. Another one follows unless the client was stopped.
    Disconnected,
    /// The client has stopped. Nothing follows.
    Stopped,
    /// The broker sent something that breaks the protocol, or a reply to an unknown request.
    ProtocolError(Malformed),
    /// A partial reply.
    Partial {
        /// The request.
        number: RequestNumber,
        /// The reply.
        payload: Payload,
    },
    /// The final reply. Nothing follows for this request.
    Final {
        /// The request.
        number: RequestNumber,
        /// The reply.
        payload: Payload,
    },
    /// The request ended without a reply. Nothing follows for it.
    Failed {
        /// The request.
        number: RequestNumber,
        /// Why.
        code: ErrorCode,
    },
}
