//! What a reply carries, and the small JSON of version 1 beside it.

use std::time::Duration;

use serde::Deserialize;

use super::reader::Reader;
use super::{Frame, ReplyOptions};
use crate::config::{Codec, Timeout};

/// The status frame of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The data is the result.
    Ok,
    /// The data is an error value: -1 on the wire.
    Error,
}

impl Status {
    /// Reads a status frame. Missing, empty or non-numeric counts as 0; only -1 is an error.
    #[must_use]
    pub fn parse(frame: &[u8]) -> Self {
        if frame == b"0" {
            return Self::Ok;
        }
        let number = std::str::from_utf8(frame).ok().and_then(|text| text.trim().parse::<f64>().ok());
        if number == Some(-1.0) {
            Self::Error
        } else {
            Self::Ok
        }
    }

    /// The frame to send.
    #[must_use]
    pub fn to_frame(self) -> Frame {
        match self {
            Self::Ok => Frame::from("0"),
            Self::Error => Frame::from("-1"),
        }
    }
}

/// The frames of a reply from the status on. They pass the broker as they came; only what is missing is filled in,
/// because the published Go client needs the data frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload {
    /// The status frame, to be read with [`Status::parse`].
    pub status: Frame,
    /// The data frame: JSON, or bytes with `{"codec":"raw"}` in the options.
    pub data: Frame,
    /// The options frame; Ruby's worker leaves it out.
    pub options: Option<Frame>,
    /// Frames after that, to be passed through.
    pub extra: Vec<Frame>,
}

impl Payload {
    /// A payload of our own making.
    #[must_use]
    pub fn new(status: Status, data: Frame, options: Frame) -> Self {
        Self { status: status.to_frame(), data, options: Some(options), extra: Vec::new() }
    }

    /// A reply that the broker makes itself: a code as data and where it came from in the options.
    #[must_use]
    pub fn broker_error(code: crate::error::ErrorCode) -> Self {
        let message = serde_json::Value::from(code.message());
        let options = format!(r#"{{"origin":"broker","message":{message}}}"#);
        Self::new(Status::Error, Frame::from(format!("\"{code}\"")), Frame::from(options))
    }

    /// Whether it is a reply that a broker made itself with this code.
    #[must_use]
    pub fn is_broker_error(&self, code: crate::error::ErrorCode) -> bool {
        let is_brokers = |options: &Frame| {
            serde_json::from_slice::<serde_json::Value>(options).is_ok_and(|options| options["origin"] == "broker")
        };
        self.data.strip_prefix(b"\"").and_then(|data| data.strip_suffix(b"\"")) == Some(code.as_str().as_bytes())
            && self.parsed_status() == Status::Error
            && self.options.as_ref().is_some_and(is_brokers)
    }

    /// The status as read.
    #[must_use]
    pub fn parsed_status(&self) -> Status {
        Status::parse(&self.status)
    }

    /// What the options say that concerns the broker and the receiver.
    #[must_use]
    pub fn parsed_options(&self) -> ReplyOptions {
        self.options.as_deref().map(ReplyOptions::parse).unwrap_or_default()
    }

    /// Bytes of all its frames.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        let extra: usize = self.extra.iter().map(|frame| frame.len()).sum();
        self.status.len() + self.data.len() + self.options.as_deref().map_or(0, <[u8]>::len) + extra
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Self {
        let status = reader.next().unwrap_or_else(|| Status::Ok.to_frame());
        let data = reader.next().unwrap_or_else(|| Frame::from("null"));
        let options = reader.next();
        Self { status, data, options, extra: reader.rest() }
    }

    pub(super) fn encode(self, frames: &mut Vec<Frame>) {
        frames.push(self.status);
        frames.push(self.data);
        frames.extend(self.options);
        frames.extend(self.extra);
    }
}

/// Whether a data frame stands for no data: empty, the literal `undefined` that the published JavaScript sends, or
/// JSON's `null`.
#[must_use]
pub fn is_null(data: &[u8]) -> bool {
    matches!(data, b"" | b"undefined" | b"null")
}

/// The codec that an options frame names; JSON unless it says `raw`.
#[must_use]
pub fn codec_of(options: &[u8]) -> Codec {
    ReplyOptions::parse(options).codec
}

/// The frame that a broker adds to a request for a worker of version 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metadata {
    /// What is left of the request's timeout.
    pub remaining: Timeout,
    /// 1 for the first worker that gets the request, 2 for the second, …
    pub attempt: u32,
    /// Partial replies that may be sent before the client grants more; `None`: as many as the worker likes.
    pub credit: Option<u32>,
}

#[derive(Deserialize)]
struct RawMetadata {
    #[serde(default)]
    remaining: Option<f64>,
    #[serde(default)]
    attempt: Option<u32>,
    #[serde(default)]
    credit: Option<u32>,
}

impl Metadata {
    /// Reads the frame; `None` if it is not the JSON object it should be.
    #[must_use]
    pub fn parse(frame: &[u8]) -> Option<Self> {
        let raw: RawMetadata = serde_json::from_slice(frame).ok()?;
        Some(Self {
            remaining: raw.remaining.and_then(Timeout::from_millis).unwrap_or(Timeout::Never),
            attempt: raw.attempt.unwrap_or(1).max(1),
            credit: raw.credit,
        })
    }

    /// The frame to send.
    #[must_use]
    pub fn to_frame(self) -> Frame {
        let Self { attempt, .. } = self;
        let remaining = self.remaining.as_millis();
        Frame::from(match self.credit {
            None => format!(r#"{{"remaining":{remaining},"attempt":{attempt}}}"#),
            Some(credit) => format!(r#"{{"remaining":{remaining},"attempt":{attempt},"credit":{credit}}}"#),
        })
    }
}

/// Milliseconds from the wire as a duration within `bounds`.
pub(super) fn duration_within(millis: f64, bounds: (Duration, Duration)) -> Option<Duration> {
    match Timeout::from_millis(millis)? {
        Timeout::After(duration) => Some(duration.clamp(bounds.0, bounds.1)),
        Timeout::Never => None,
    }
}
