//! Reads a message frame by frame, and names the first fault.

use std::fmt;
use std::vec::Drain;

use super::{tag, Frame, RequestId, ServiceName, Side};
use crate::limits;

/// The fault of a malformed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// No frame at all.
    Empty,
    /// More frames than [`limits::MESSAGE_FRAMES`].
    TooManyFrames,
    /// The first frame is neither `C` nor `W`, or not the one expected here.
    Side,
    /// No second frame.
    NoType,
    /// The second frame is not a message type of this side.
    Type,
    /// A request, reply, cancel or credit without a request id, or with one longer than 255 bytes.
    RequestId,
    /// A ready or request without a service name.
    NoService,
    /// A service name longer than 255 bytes.
    ServiceTooLong,
    /// Fewer frames than the message has.
    Length,
    /// A credit that is not a positive number of 32 bits.
    Credit,
}

impl Malformed {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Empty,
        Self::TooManyFrames,
        Self::Side,
        Self::NoType,
        Self::Type,
        Self::RequestId,
        Self::NoService,
        Self::ServiceTooLong,
        Self::Length,
        Self::Credit,
    ];

    /// The event that published clients and workers emit for it.
    #[must_use]
    pub fn published_name(self) -> &'static str {
        match self {
            Self::Empty | Self::Side => "ERR_MSG_HEADER",
            Self::NoType | Self::Length | Self::TooManyFrames | Self::NoService | Self::ServiceTooLong => {
                "ERR_MSG_LENGTH"
            }
            Self::Type | Self::Credit => "ERR_MSG_TYPE",
            Self::RequestId => "ERR_REQ_INVALID",
        }
    }
}

/// A message that could not be decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct DecodeError {
    /// The fault.
    pub malformed: Malformed,
    /// The sender's side, if the message names it.
    pub side: Option<Side>,
    /// The id of the refused request, if the message was a request with an id.
    pub refused_request: Option<Option<RequestId>>,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?})", self.malformed.published_name(), self.malformed)
    }
}

impl std::error::Error for DecodeError {}

/// Frames that a broker adds to a request: the client's identity, an empty frame and the metadata of version 1.
const ADDED_BY_BROKER: usize = 3;

/// The frames of one message, read from the front.
pub(super) struct Reader<'a> {
    frames: Drain<'a, Frame>,
    side: Option<Side>,
    oversized: bool,
}

impl<'a> Reader<'a> {
    /// For a message that a broker received.
    pub(super) fn new(frames: &'a mut Vec<Frame>) -> Self {
        Self::of_at_most(limits::MESSAGE_FRAMES, frames)
    }

    /// For a message from a broker, which may be a peer's longest message plus the frames that the broker adds.
    pub(super) fn from_broker(frames: &'a mut Vec<Frame>) -> Self {
        Self::of_at_most(limits::MESSAGE_FRAMES + ADDED_BY_BROKER, frames)
    }

    fn of_at_most(most: usize, frames: &'a mut Vec<Frame>) -> Self {
        let oversized = frames.len() > most;
        Self { frames: frames.drain(..), side: None, oversized }
    }

    pub(super) fn error(&self, malformed: Malformed) -> DecodeError {
        DecodeError { malformed, side: self.side, refused_request: None }
    }

    pub(super) fn next(&mut self) -> Option<Frame> {
        self.frames.next()
    }

    /// The data frame; `null` if missing.
    pub(super) fn data(&mut self) -> Frame {
        self.next().unwrap_or_else(|| Frame::from("null"))
    }

    /// The options frame of a request; `{}` if missing.
    pub(super) fn options(&mut self) -> Frame {
        self.next().unwrap_or_else(|| Frame::from("{}"))
    }

    /// The next frame; empty if missing.
    pub(super) fn next_or_empty(&mut self) -> Frame {
        self.frames.next().unwrap_or_default()
    }

    pub(super) fn remaining(&self) -> usize {
        self.frames.len()
    }

    pub(super) fn rest(&mut self) -> Vec<Frame> {
        self.frames.by_ref().collect()
    }

    pub(super) fn side(&mut self) -> Result<Side, DecodeError> {
        let frame = self.next().ok_or_else(|| self.error(Malformed::Empty))?;
        let side = match &*frame {
            tag::CLIENT => Side::Client,
            tag::WORKER => Side::Worker,
            _ => return Err(self.error(Malformed::Side)),
        };
        self.side = Some(side);
        Ok(side)
    }

    pub(super) fn expect_side(&mut self, expected: Side) -> Result<(), DecodeError> {
        if self.side()? == expected {
            Ok(())
        } else {
            Err(self.error(Malformed::Side))
        }
    }

    pub(super) fn message_type(&mut self) -> Result<Frame, DecodeError> {
        let message_type = self.next().ok_or_else(|| self.error(Malformed::NoType))?;
        if !self.oversized {
            return Ok(message_type);
        }
        let is_request = self.side == Some(Side::Client) && &*message_type == tag::REQUEST;
        let refused_request = is_request.then(|| {
            self.next_or_empty();
            self.request_id().ok()
        });
        Err(DecodeError { refused_request, ..self.error(Malformed::TooManyFrames) })
    }

    /// The service name, in a message that must have one.
    pub(super) fn service(&mut self) -> Result<ServiceName, DecodeError> {
        let name = self.next_or_empty();
        let malformed = if name.is_empty() { Malformed::NoService } else { Malformed::ServiceTooLong };
        ServiceName::new(name).ok_or_else(|| self.error(malformed))
    }

    pub(super) fn request_id(&mut self) -> Result<RequestId, DecodeError> {
        self.next().and_then(RequestId::new).ok_or_else(|| self.error(Malformed::RequestId))
    }

    pub(super) fn credit(&mut self) -> Result<u32, DecodeError> {
        self.next()
            .and_then(|frame| std::str::from_utf8(&frame).ok()?.trim().parse().ok())
            .filter(|partials| *partials > 0)
            .ok_or_else(|| self.error(Malformed::Credit))
    }
}

#[cfg(test)]
mod tests;
