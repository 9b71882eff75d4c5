//! Durable requests as a store holds them.

use crate::config::Timeout;
use crate::protocol::{Frame, PeerId, RequestId, RequestSettings, ServiceName};

/// Whether a store keeps the requests with `persist`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Persistence {
    /// No store: `persist` has no effect, and the broker emits neither
    /// [`Event::Stored`](super::Event::Stored) nor [`Event::Removed`](super::Event::Removed).
    #[default]
    Off,
    /// A store receives these events.
    On,
}

/// A durable request, sufficient for a later run to go on with it. Client and id identify it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StoredRequest {
    /// The client that gets the replies.
    pub client: PeerId,
    /// The client's id for it.
    pub id: RequestId,
    /// The requested service.
    pub service: ServiceName,
    /// The data, unchanged.
    pub data: Frame,
    /// The options, unchanged. They contain the codec, `retry` and the timeout.
    pub options: Frame,
    /// Further frames, unchanged.
    pub extra: Vec<Frame>,
    /// Number of dispatches, including the present one; rejected and unsent ones do not count.
    pub attempt: u32,
    /// The worker that has it, if any.
    pub worker: Option<PeerId>,
    /// Time left until it expires, as of the event. The machine has no clock: the store notes when
    /// it received the event, and subtracts the time passed since before it restores the request.
    /// Partial replies extend the time without an event. Restoring uses at most the request's
    /// timeout.
    pub remaining: Timeout,
}

impl StoredRequest {
    /// A request that no worker has had, with its whole timeout left.
    #[must_use]
    pub fn new(client: PeerId, id: RequestId, service: ServiceName, data: Frame, options: Frame) -> Self {
        let remaining = RequestSettings::parse(&options).timeout;
        Self { client, id, service, data, options, extra: Vec::new(), attempt: 0, worker: None, remaining }
    }
}
