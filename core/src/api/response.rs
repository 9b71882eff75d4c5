//! A request that is under way, and what comes of it.

use std::collections::VecDeque;
use std::fmt;
use std::future::{poll_fn, Future};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use parking_lot::Mutex;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::ClientShared;
use super::wait::wait_for;
use crate::client::Token;
use crate::config::Codec;
use crate::driver::ClientCommand;
use crate::error::{Error, ErrorCode};
use crate::limits;
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

    /// Whether it is the last one.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.kind == ReplyKind::Final
    }

    /// The data as it came: JSON, or any bytes with codec `raw`.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.data
    }

    /// How the worker says the data is to be read.
    #[must_use]
    pub fn codec(&self) -> Codec {
        self.codec
    }

    /// The data as a value; what the published peers send for "nothing" is `null`. `E_DATA` if it does not fit.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        decode(&self.data)
    }

    /// The data as any JSON.
    pub fn json(&self) -> Result<Value, Error> {
        self.decode()
    }

    /// The reply's options as they came; [`Reply::options`] reads them.
    #[must_use]
    pub fn options_bytes(&self) -> &[u8] {
        self.options.as_deref().unwrap_or_default()
    }

    /// What the worker put into the reply's options; an empty object if nothing.
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

/// What a worker, or the broker on its behalf, answered with instead of a result.
#[derive(Debug, Clone)]
pub struct RemoteError {
    kind: ReplyKind,
    payload: Box<Payload>,
}

impl RemoteError {
    /// Whether it ends the request. A worker may also send an error value as a partial reply.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.kind == ReplyKind::Final
    }

    /// The error value as it came.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.payload.data
    }

    /// The error value, whatever the worker chose to send; a string of its bytes if it is not JSON.
    #[must_use]
    pub fn value(&self) -> Value {
        decode(&self.payload.data).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&self.payload.data)))
    }

    /// The code, if the error is one of PIGATO's own: the value itself, or its member `code`.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        let value = self.value();
        ErrorCode::parse(value.as_str().or_else(|| value.get("code")?.as_str())?)
    }

    /// The reply's options as they came; [`RemoteError::options`] reads them.
    #[must_use]
    pub fn options_bytes(&self) -> &[u8] {
        self.payload.options.as_deref().unwrap_or_default()
    }

    /// What the worker, or the broker, put into the reply's options; an empty object if nothing.
    #[must_use]
    pub fn options(&self) -> Value {
        options_value(self.payload.options.as_deref().unwrap_or_default())
    }

    /// Whether the broker made it: no worker answered.
    #[must_use]
    pub fn is_from_broker(&self) -> bool {
        self.options().get("origin").and_then(Value::as_str) == Some("broker")
    }

    /// What is said about it: the value's or the options' member `message`.
    #[must_use]
    pub fn message(&self) -> Option<String> {
        let options = self.options();
        let message = |value: &Value| Some(value.get("message")?.as_str()?.to_owned());
        message(&self.value()).or_else(|| message(&options))
    }
}

/// How a request can fail.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RequestError {
    /// It ended on this side: timeout, cancellation, lost connection, stop, too much at a time, data of another form.
    Local(Error),
    /// It was answered with an error, by the worker or by the broker.
    Remote(RemoteError),
}

impl RequestError {
    /// Whether it ends the request: false only for an error value sent as a partial reply.
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Local(_) => true,
            Self::Remote(error) => error.is_final(),
        }
    }

    /// The code, if it is one of PIGATO's own and not a value of the worker's.
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

impl Inner {
    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    fn push(&mut self, reply: Result<Reply, RequestError>) {
        if self.first.is_none() {
            self.first = Some(reply);
        } else {
            self.others.push_back(reply);
        }
    }

    fn pop(&mut self) -> Option<Result<Reply, RequestError>> {
        let reply = self.first.take()?;
        self.first = self.others.pop_front();
        Some(reply)
    }
}

/// What the I/O thread and the holder of a [`Response`] share.
#[derive(Debug, Default)]
pub(super) struct ResponseState {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The oldest reply; most requests have one only, which needs no queue.
    first: Option<Result<Reply, RequestError>>,
    others: VecDeque<Result<Reply, RequestError>>,
    /// Whether the final one is among the replies or was taken.
    is_ended: bool,
    waker: Option<Waker>,
}

impl ResponseState {
    /// Adds a reply, unless the last one was added before. Returns who waits for it: the caller wakes them when it has
    /// added all it has, so that they find more than one.
    fn push(&self, reply: Result<Reply, RequestError>, is_last: bool) -> Option<Waker> {
        let mut inner = self.inner.lock();
        if inner.is_ended {
            return None;
        }
        inner.push(reply);
        inner.is_ended = is_last;
        inner.waker.take()
    }

    /// A consumer that is much too slow loses the request: then the second value says that nothing may follow.
    pub(super) fn partial(&self, payload: Payload) -> (Option<Waker>, bool) {
        let is_overflow = self.inner.lock().len() >= limits::UNREAD_PARTIALS;
        let waker = if is_overflow {
            self.failed(Error::new(ErrorCode::Busy, "partial replies came much faster than they were read"))
        } else {
            self.push(outcome(ReplyKind::Partial, payload), false)
        };
        (waker, is_overflow)
    }

    pub(super) fn finished(&self, payload: Payload) -> Option<Waker> {
        self.push(outcome(ReplyKind::Final, payload), true)
    }

    pub(super) fn failed(&self, error: Error) -> Option<Waker> {
        self.push(Err(error.into()), true)
    }
}

/// What a request has failed with on this side. A timeout says so if that is because there is no broker.
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

fn is_final(reply: &Result<Reply, RequestError>) -> bool {
    match reply {
        Ok(reply) => reply.is_final(),
        Err(error) => error.is_final(),
    }
}

/// A request that is under way: a [`Stream`] of its partial replies and then its final one, or an error.
///
/// Dropping it cancels the request. All its methods may be called on any thread.
#[derive(Debug)]
#[must_use = "dropping a response cancels its request"]
pub struct Response {
    client: Arc<ClientShared>,
    token: Token,
    state: Arc<ResponseState>,
    /// Partial replies taken and not yet granted again.
    consumed: u32,
    /// Whether the final reply was taken.
    has_final: bool,
}

impl Response {
    pub(super) fn new(client: Arc<ClientShared>, token: Token, state: Arc<ResponseState>) -> Self {
        Self { client, token, state, consumed: 0, has_final: false }
    }

    /// The next reply; `None` after the final one or an error that [is final](RequestError::is_final).
    pub async fn next(&mut self) -> Option<Result<Reply, RequestError>> {
        poll_fn(|context| self.poll_reply(context)).await
    }

    /// As [`Response::next`], on the present thread.
    pub fn next_blocking(&mut self) -> Option<Result<Reply, RequestError>> {
        wait_for(self.next())
    }

    /// The final reply; partial ones are passed over.
    pub async fn finish(mut self) -> Result<Reply, RequestError> {
        while let Some(reply) = self.next().await {
            if is_final(&reply) {
                return reply;
            }
        }
        Err(Error::from(ErrorCode::Closed).into())
    }

    /// As [`Response::finish`], on the present thread.
    pub fn finish_blocking(self) -> Result<Reply, RequestError> {
        wait_for(self.finish())
    }

    /// The replies one after the other, waiting for each on the present thread.
    pub fn replies(self) -> Replies {
        Replies(self)
    }

    /// Tells the worker that the reply is still wanted. Happens by itself once a heartbeat interval.
    pub fn heartbeat(&self) {
        self.client.send(ClientCommand::Heartbeat(self.token));
    }

    /// Ends the request; it fails with `C_CANCELLED`, unless it has ended already.
    pub fn cancel(&self) {
        self.client.send(ClientCommand::Cancel(self.token));
    }

    /// Something that can end the request while this is being waited for.
    #[must_use]
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle { client: Arc::downgrade(&self.client), token: self.token }
    }

    fn poll_reply(&mut self, context: &Context<'_>) -> Poll<Option<Result<Reply, RequestError>>> {
        let mut inner = self.state.inner.lock();
        match inner.pop() {
            Some(reply) => {
                drop(inner);
                self.note_consumed(&reply);
                Poll::Ready(Some(reply))
            }
            None if inner.is_ended => Poll::Ready(None),
            None => {
                inner.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Lets the worker send as many more as were taken, in helpings of half of what it may send ahead.
    fn note_consumed(&mut self, reply: &Result<Reply, RequestError>) {
        if is_final(reply) {
            // After an error of this side the broker is still to be told, which does no harm if it knows.
            self.has_final = !matches!(reply, Err(RequestError::Local(_)));
        } else {
            self.consumed += 1;
            if self.consumed >= limits::CREDIT_PARTIALS / 2 {
                let partials = std::mem::take(&mut self.consumed);
                self.client.send(ClientCommand::Grant { token: self.token, partials });
            }
        }
    }
}

/// Ends a request from anywhere, for instance while another thread waits for its reply. Keeps nothing alive.
#[derive(Debug, Clone)]
pub struct CancelHandle {
    client: Weak<ClientShared>,
    token: Token,
}

impl CancelHandle {
    /// As [`Response::cancel`].
    pub fn cancel(&self) {
        if let Some(client) = self.client.upgrade() {
            client.send(ClientCommand::Cancel(self.token));
        }
    }
}

impl Stream for Response {
    type Item = Result<Reply, RequestError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_reply(context)
    }
}

impl Future for Response {
    type Output = Result<Reply, RequestError>;

    /// Resolves to the final reply; partial ones are passed over.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match self.poll_reply(context) {
                Poll::Ready(Some(reply)) if !is_final(&reply) => {}
                Poll::Ready(Some(outcome)) => return Poll::Ready(outcome),
                Poll::Ready(None) => return Poll::Ready(Err(Error::from(ErrorCode::Closed).into())),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl Drop for Response {
    fn drop(&mut self) {
        if !self.has_final {
            self.client.discard(self.token);
            // Does nothing if the request has ended, on this side and on the other.
            self.cancel();
        }
    }
}

/// The replies of a request, waited for one after the other. Dropping it cancels the request.
#[derive(Debug)]
#[must_use = "dropping it cancels the request"]
pub struct Replies(Response);

impl Iterator for Replies {
    type Item = Result<Reply, RequestError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next_blocking()
    }
}
