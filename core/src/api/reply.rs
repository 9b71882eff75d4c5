//! Replies, and the errors of requests.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::Codec;
use crate::error::{Error, ErrorCode};
use crate::protocol::{is_null, Frame, Payload, ReplyKind, Status};

/// A reply, partial or final.
#[derive(Debug, Clone)]
pub struct Reply {
    kind: ReplyKind,
    data: Frame,
    options: Option<Frame>,
    codec: Codec,
}

impl Reply {
    fn new(kind: ReplyKind, payload: Payload) -> Self {
        let codec = payload.parsed_options().codec;
        Self { kind, data: payload.data, options: payload.options, codec }
    }

    /// Whether this is the final reply.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.kind == ReplyKind::Final
    }

    /// The data, unchanged: JSON, or bytes with codec `raw`.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.data
    }

    /// The data, for passing on. It shares memory with the reply.
    #[must_use]
    pub fn data(&self) -> Frame {
        self.data.clone()
    }

    /// The encoding of the data, as the worker declares it.
    #[must_use]
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// Decodes the data. The forms in which published peers send "no data" decode as `null`.
    ///
    /// # Errors
    ///
    /// `E_DATA` if the data is not JSON or not of type `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        decode(&self.data)
    }

    /// Decodes the data as JSON of any type.
    ///
    /// # Errors
    ///
    /// `E_DATA` if the data is not JSON.
    pub fn json(&self) -> Result<Value, Error> {
        self.decode()
    }

    /// The reply's options frame, unchanged; [`Reply::options`] parses it.
    #[must_use]
    pub fn options_bytes(&self) -> &[u8] {
        self.options.as_deref().unwrap_or_default()
    }

    /// The reply's options; an empty object if there are none.
    #[must_use]
    pub fn options(&self) -> Value {
        options_value(self.options.as_deref().unwrap_or_default())
    }
}

pub(super) fn decode<T: DeserializeOwned>(data: &[u8]) -> Result<T, Error> {
    let data = if is_null(data) { b"null" } else { data };
    serde_json::from_slice(data).map_err(|error| Error::new(ErrorCode::Data, error.to_string()))
}

pub(super) fn options_value(options: &[u8]) -> Value {
    match serde_json::from_slice(options) {
        Ok(Value::Object(members)) => Value::Object(members),
        _ => Value::Object(serde_json::Map::new()),
    }
}

/// An error with which a worker, or the broker itself, answered a request.
#[derive(Debug, Clone)]
pub struct RemoteError {
    kind: ReplyKind,
    payload: Box<Payload>,
}

impl RemoteError {
    /// Whether the error ends the request. A worker may also send an error value as a partial reply.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.kind == ReplyKind::Final
    }

    /// The error value, unchanged.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.payload.data
    }

    /// The error value that the worker sent; a string of its bytes if it is not JSON.
    #[must_use]
    pub fn value(&self) -> Value {
        decode(&self.payload.data).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&self.payload.data)))
    }

    /// The code, if the error is one of PIGATO's: the value itself, or its member `code`. `None` for a worker's own error value.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        let value = self.value();
        ErrorCode::parse(value.as_str().or_else(|| value.get("code")?.as_str())?)
    }

    /// The reply's options frame, unchanged; [`RemoteError::options`] parses it.
    #[must_use]
    pub fn options_bytes(&self) -> &[u8] {
        self.payload.options.as_deref().unwrap_or_default()
    }

    /// The reply's options; an empty object if there are none.
    #[must_use]
    pub fn options(&self) -> Value {
        options_value(self.payload.options.as_deref().unwrap_or_default())
    }

    /// Whether the broker itself sent the error, without a worker.
    #[must_use]
    pub fn is_from_broker(&self) -> bool {
        self.options().get("origin").and_then(Value::as_str) == Some("broker")
    }

    /// A text for people: the member `message` of the value or the options.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        let options = self.options();
        let message = |value: &Value| Some(value.get("message")?.as_str()?.to_owned());
        message(&self.value()).or_else(|| message(&options))
    }
}

/// The failure of a request.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RequestError {
    /// The request ended on this side: timeout, cancellation, lost connection, stop, a bound exceeded, or data of another type.
    Local(Error),
    /// The worker or the broker answered with an error.
    Remote(RemoteError),
}

impl RequestError {
    /// Whether the error ends the request: false only for an error value that was sent as a partial reply.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Local(_) => true,
            Self::Remote(error) => error.is_final(),
        }
    }

    /// The code; `None` for a worker's own error value.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Local(error) => Some(error.code()),
            Self::Remote(error) => error.code(),
        }
    }
}

impl From<Error> for RequestError {
    fn from(error: Error) -> Self {
        Self::Local(error)
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(error) => error.fmt(f),
            Self::Remote(error) => match (error.code(), error.message()) {
                (Some(code), Some(message)) => write!(f, "{code}: {message}"),
                _ => write!(f, "the service answered with an error: {}", error.value()),
            },
        }
    }
}

impl std::error::Error for RequestError {}

/// The error of a request that failed on this side. A timeout names the endpoint if no broker answers there.
pub(crate) fn failure(code: ErrorCode, endpoint: &str, is_connected: bool) -> Error {
    if code == ErrorCode::Timeout && !is_connected {
        return Error::new(code, format!("no broker answers at `{endpoint}`"));
    }
    code.into()
}

pub(crate) fn outcome(kind: ReplyKind, payload: Payload) -> Result<Reply, RequestError> {
    match payload.parsed_status() {
        Status::Ok => Ok(Reply::new(kind, payload)),
        Status::Error => Err(RequestError::Remote(RemoteError { kind, payload: Box::new(payload) })),
    }
}

pub(super) fn is_final(reply: &Result<Reply, RequestError>) -> bool {
    match reply {
        Ok(reply) => reply.is_final(),
        Err(error) => error.is_final(),
    }
}

/// Bytes of an unread reply.
pub(super) fn len_bytes(reply: &Result<Reply, RequestError>) -> usize {
    match reply {
        Ok(reply) => reply.bytes().len() + reply.options_bytes().len(),
        Err(RequestError::Remote(error)) => error.bytes().len() + error.options_bytes().len(),
        Err(RequestError::Local(_)) => 0,
    }
}
