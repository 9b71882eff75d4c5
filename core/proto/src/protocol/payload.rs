//! The contents of a reply, and the metadata of version 1.

use serde::de::MapAccess;

use super::reader::Reader;
use super::{json, Frame, ReplyOptions};
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
        Frame::from(self.bytes())
    }

    fn bytes(self) -> &'static [u8] {
        match self {
            Self::Ok => b"0",
            Self::Error => b"-1",
        }
    }
}

/// A status frame, unchanged. The two values that all peers send take no frame.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusFrame(StatusBytes);

#[derive(Debug, Clone, PartialEq)]
enum StatusBytes {
    Plain(Status),
    Other(Box<Frame>),
}

impl From<Status> for StatusFrame {
    fn from(status: Status) -> Self {
        Self(StatusBytes::Plain(status))
    }
}

impl From<Frame> for StatusFrame {
    fn from(frame: Frame) -> Self {
        Self(match &*frame {
            b"0" => StatusBytes::Plain(Status::Ok),
            b"-1" => StatusBytes::Plain(Status::Error),
            _ => StatusBytes::Other(Box::new(frame)),
        })
    }
}

impl StatusFrame {
    /// The status as read.
    #[must_use]
    pub fn parse(&self) -> Status {
        match &self.0 {
            StatusBytes::Plain(status) => *status,
            StatusBytes::Other(frame) => Status::parse(frame),
        }
    }

    /// The frame, byte for byte.
    #[must_use]
    pub fn into_frame(self) -> Frame {
        match self.0 {
            StatusBytes::Plain(status) => status.to_frame(),
            StatusBytes::Other(frame) => *frame,
        }
    }

    /// A copy that keeps no receive buffer alive; see [`Frame::detached`].
    #[must_use]
    pub fn detached(&self) -> Self {
        match &self.0 {
            StatusBytes::Plain(status) => (*status).into(),
            StatusBytes::Other(frame) => Self(StatusBytes::Other(Box::new(frame.detached()))),
        }
    }
}

impl std::ops::Deref for StatusFrame {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            StatusBytes::Plain(status) => status.bytes(),
            StatusBytes::Other(frame) => frame,
        }
    }
}

/// The frames of a reply from the status on. They pass the broker unchanged. The broker adds only a missing data frame,
/// because the published Go client needs one.
#[derive(Debug, Clone, PartialEq)]
pub struct Payload {
    /// The status frame.
    pub status: StatusFrame,
    /// The data frame: JSON, or bytes with `{"codec":"raw"}` in the options.
    pub data: Frame,
    /// The options frame; Ruby's worker leaves it out.
    pub options: Option<Frame>,
    /// Further frames, passed through.
    pub extra: Vec<Frame>,
}

impl Payload {
    /// A payload from its parts.
    #[must_use]
    pub fn new(status: Status, data: Frame, options: Frame) -> Self {
        Self { status: status.into(), data, options: Some(options), extra: Vec::new() }
    }

    /// A reply from the broker itself: an error code as data, and its origin in the options.
    #[must_use]
    pub fn broker_error(code: crate::error::ErrorCode) -> Self {
        let message = serde_json::Value::from(code.message());
        let options = format!(r#"{{"origin":"broker","message":{message}}}"#);
        Self::new(Status::Error, Frame::from(format!("\"{code}\"")), Frame::from(options))
    }

    /// Whether it is a reply from a broker itself with this code.
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
        self.status.parse()
    }

    /// The options that concern the broker and the receiver.
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
        let status = reader.next().map_or_else(|| Status::Ok.into(), StatusFrame::from);
        let data = reader.data();
        let options = reader.next();
        Self { status, data, options, extra: reader.rest() }
    }

    pub(super) fn encode(self, frames: &mut Vec<Frame>) {
        frames.push(self.status.into_frame());
        frames.push(self.data);
        frames.extend(self.options);
        frames.extend(self.extra);
    }
}

/// Whether a data frame means "no data": empty, JSON's `null`, or the literal `undefined` that the published JavaScript
/// package sends.
#[must_use]
pub fn is_null(data: &[u8]) -> bool {
    matches!(data, b"" | b"undefined" | b"null")
}

/// The codec that an options frame names; JSON unless it says `raw`.
#[must_use]
pub fn codec_of(options: &[u8]) -> Codec {
    ReplyOptions::parse(options).codec
}

/// The frame that a broker adds to a request for a version 1 worker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metadata {
    /// What is left of the request's timeout.
    pub remaining: Timeout,
    /// 1 for the first worker that gets the request, 2 for the second, …
    pub attempt: u32,
    /// Partial replies that may be sent before the client grants more; `None`: no limit.
    pub credit: Option<u32>,
}

impl json::Object for Metadata {
    fn member<'de, A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<(), A::Error> {
        match name {
            "remaining" => self.remaining = json::scalar(members)?.millis().unwrap_or(Timeout::Never),
            "attempt" => self.attempt = json::scalar(members)?.count().unwrap_or(1).max(1),
            "credit" => self.credit = json::scalar(members)?.count(),
            _ => json::skip(members)?,
        }
        Ok(())
    }
}

impl Metadata {
    /// Reads the frame; `None` unless it is a JSON object. Missing or invalid members default to the first attempt, no timeout and
    /// no limit on partial replies.
    #[must_use]
    pub fn parse(frame: &[u8]) -> Option<Self> {
        json::read(frame, Self { remaining: Timeout::Never, attempt: 1, credit: None })
    }

    /// The frame to send.
    #[must_use]
    pub fn to_frame(self) -> Frame {
        let mut digits = [itoa::Buffer::new(), itoa::Buffer::new(), itoa::Buffer::new()];
        let [remaining, attempt, credit] = &mut digits;
        let credit = self.credit.map(|partials| credit.format(partials));
        // Every request has one, so this avoids formatting and allocation.
        Frame::concat(&[
            br#"{"remaining":"#,
            remaining.format(self.remaining.as_millis()).as_bytes(),
            br#","attempt":"#,
            attempt.format(self.attempt).as_bytes(),
            if credit.is_some() { br#","credit":"# } else { b"" },
            credit.unwrap_or_default().as_bytes(),
            b"}",
        ])
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::ErrorCode;
    use crate::limits;

    #[test]
    fn only_minus_one_is_an_error() {
        for error in ["-1", " -1 ", "-1.0", "-1e0", "-01"] {
            assert_eq!(Status::parse(error.as_bytes()), Status::Error, "{error}");
        }
        for ok in ["0", "", " ", "1", "-2", "-1.5", "200", "abc", "-", "--1", "-1x", "NaN", "undefined", "null", "- 1"]
        {
            assert_eq!(Status::parse(ok.as_bytes()), Status::Ok, "{ok}");
        }
        assert_eq!(Status::parse(b"-1\xff"), Status::Ok);
        assert_eq!(Status::parse(&[0xff]), Status::Ok);
    }

    #[test]
    fn status_is_read_as_it_is_written() {
        assert_eq!((Status::Ok.to_frame(), Status::Error.to_frame()), (Frame::from("0"), Frame::from("-1")));
        for status in [Status::Ok, Status::Error] {
            assert_eq!(Status::parse(&status.to_frame()), status);
        }
    }

    #[test]
    fn empty_undefined_and_null_stand_for_no_data() {
        for none in ["", "undefined", "null"] {
            assert!(is_null(none.as_bytes()), "{none}");
        }
        for some in ["0", "false", "\"\"", "{}", "nul", "\"null\"", "Undefined", "\0"] {
            assert!(!is_null(some.as_bytes()), "{some}");
        }
    }

    #[test]
    fn error_of_the_brokers_says_what_and_whence() {
        for code in ErrorCode::ALL {
            let payload = Payload::broker_error(*code);
            assert_eq!(payload.parsed_status(), Status::Error);
            assert_eq!(payload.data, format!("\"{}\"", code.as_str()).as_str());
            let options = payload.options.as_deref().map(serde_json::from_slice::<serde_json::Value>);
            let expected = serde_json::json!({"origin": "broker", "message": code.message()});
            assert_eq!(options.and_then(Result::ok), Some(expected));
        }
    }

    #[test]
    fn missing_options_are_read_as_none() {
        let mut payload = Payload::new(Status::Ok, Frame::from("1"), Frame::from(r#"{"cache":5,"codec":"raw"}"#));
        let said = ReplyOptions { cache: Some(Duration::from_millis(5)), codec: Codec::Raw };
        assert_eq!(payload.parsed_options(), said);
        payload.options = None;
        assert_eq!(payload.parsed_options(), ReplyOptions::default());
    }

    #[test]
    fn length_is_that_of_all_frames() {
        let mut payload = Payload::new(Status::Error, Frame::from("12345"), Frame::from("{}"));
        assert_eq!(payload.len_bytes(), 9);
        payload.extra = vec![Frame::from("123"), Frame::from("")];
        assert_eq!(payload.len_bytes(), 12);
        payload.options = None;
        assert_eq!(payload.len_bytes(), 10);
    }

    fn metadata(json: &str) -> Option<Metadata> {
        Metadata::parse(json.as_bytes())
    }

    const NOTHING_SAID: Metadata = Metadata { remaining: Timeout::Never, attempt: 1, credit: None };

    #[test]
    fn metadata_is_read_as_it_is_written() {
        let remaining = [Timeout::Never, Timeout::After(Duration::ZERO), Timeout::After(Duration::from_millis(59_999))];
        for remaining in remaining {
            for (attempt, credit) in [(1, None), (5, Some(0)), (u32::MAX, Some(u32::MAX))] {
                let written = Metadata { remaining, attempt, credit };
                assert_eq!(Metadata::parse(&written.to_frame()), Some(written));
            }
        }
    }

    #[test]
    fn metadata_is_written_in_a_fixed_order() {
        let metadata = Metadata { remaining: Timeout::Never, attempt: 2, credit: None };
        assert_eq!(metadata.to_frame(), r#"{"remaining":-1,"attempt":2}"#);
        let metadata = Metadata { credit: Some(3), ..metadata };
        assert_eq!(metadata.to_frame(), r#"{"remaining":-1,"attempt":2,"credit":3}"#);
    }

    #[test]
    fn remaining_time_is_rounded_up_to_a_millisecond() {
        for (micros, millis) in [(0, 0), (1, 1), (999, 1), (1_000, 1), (1_001, 2)] {
            let metadata = Metadata { remaining: Duration::from_micros(micros).into(), ..NOTHING_SAID };
            let expected = format!(r#"{{"remaining":{millis},"attempt":1}}"#);
            assert_eq!(metadata.to_frame(), expected.as_str(), "{micros} µs");
        }
    }

    #[test]
    fn metadata_is_an_object_and_nothing_else() {
        for other in ["", "null", "undefined", "5", "[]", "[5000,1]", "\"remaining\"", "{", "{\"attempt\":1}x"] {
            assert_eq!(metadata(other), None, "{other}");
        }
        assert_eq!(metadata("{}"), Some(NOTHING_SAID));
    }

    #[test]
    fn invalid_metadata_counts_as_missing() {
        for odd in [
            r#"{"remaining":"soon","attempt":2}"#,
            r#"{"remaining":[5],"attempt":"2","credit":-1}"#,
            r#"{"attempt":2.0,"credit":0.5,"mood":"fine"}"#,
        ] {
            assert_eq!(metadata(odd), Some(Metadata { attempt: 2, ..NOTHING_SAID }), "{odd}");
        }
        for first in ["0", "-1", "null", "1.5", "\"x\""] {
            assert_eq!(metadata(&format!(r#"{{"attempt":{first}}}"#)), Some(NOTHING_SAID), "{first}");
        }
        let huge = Metadata { remaining: limits::DURATION.into(), attempt: u32::MAX, credit: Some(u32::MAX) };
        assert_eq!(metadata(r#"{"remaining":1e18,"attempt":1e18,"credit":1e18}"#), Some(huge));
    }
}
