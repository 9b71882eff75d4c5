//! What a worker answers with.

use serde_json::{Map, Value};

use crate::config::Codec;
use crate::protocol::{encode_reply_options, Frame, Payload, Status};

/// The data and options of a reply.
#[derive(Debug, Clone)]
pub struct Answer {
    data: Frame,
    options: Frame,
}

impl Answer {
    /// JSON that is written already.
    pub fn json(data: impl Into<Frame>) -> Self {
        Self::with_options(data, Codec::Json, &Map::new())
    }

    /// Bytes as they are (`{"codec":"raw"}`).
    pub fn raw(data: impl Into<Frame>) -> Self {
        Self::with_options(data, Codec::Raw, &Map::new())
    }

    /// With options of the user's own, or `cache` (milliseconds that the broker may give this reply to the same request).
    pub fn with_options(data: impl Into<Frame>, codec: Codec, options: &Map<String, Value>) -> Self {
        Self { data: data.into(), options: encode_reply_options(codec, options) }
    }

    pub(super) fn payload(&self, status: Status) -> Payload {
        Payload::new(status, self.data.clone(), self.options.clone())
    }
}
