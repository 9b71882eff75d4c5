//! What a store holds of a durable request.

use crate::config::Timeout;
use crate::protocol::{Frame, PeerId, RequestId, RequestSettings, ServiceName};

/// Whether somebody keeps the requests with `persist`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Persistence {
    /// Nobody: `persist` means nothing, and there are neither [`Event::Stored`] nor [`Event::Removed`].
    #[default]
    Off,
    /// Whoever is told the events.
    On,
}

/// What has to be kept of a request so that a later life of the broker can go on with it. Client and id together name it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StoredRequest {
    /// Whom the replies go to.
    pub client: PeerId,
    /// What the client calls it.
    pub id: RequestId,
    /// The name that was asked for.
    pub service: ServiceName,
    /// The data, as it came.
    pub data: Frame,
    /// The options, as they came. The codec, `retry` and the timeout stand in there.
    pub options: Frame,
    /// Frames that followed, as they came.
    pub extra: Vec<Frame>,
    /// How many workers it was handed to and lost with, the present one included.
    pub attempt: u32,
    /// The worker that has it.
    pub worker: Option<PeerId>,
    /// How long it had left, at the moment of the event, until it expires. The machine has no clock of its own: whoever
    /// keeps requests notes when they got this, and takes off what has passed before they give it back. Partial replies
    /// prolong a request without an event.
    pub remaining: Timeout,
}

impl StoredRequest {
    /// A request that no worker has had, with all of its time left.
    #[must_use]
    pub fn new(client: PeerId, id: RequestId, service: ServiceName, data: Frame, options: Frame) -> Self {
        let remaining = RequestSettings::parse(&options).timeout;
        Self { client, id, service, data, options, extra: Vec::new(), attempt: 0, worker: None, remaining }
    }
}
